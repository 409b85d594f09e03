//! What a training run tells on standard error: the data report, a progress bar with loss, metric,
//! tokens a second and time left, a line an epoch.

use std::collections::VecDeque;
use std::fmt::Display;
use std::path::Path;

use cloze_model::device::{ComputeDevice, DeviceName};
use cloze_tasks::metrics::Metrics;
use cloze_train::{CorpusFacts, EpochRecord, Event, FeatureRecord, Observer, Warning};
use indicatif::ProgressBar;

use crate::bad_rows::SkippedRows;
use crate::learning_rates::learning_rates;
use crate::progress::{bar, counter};
use crate::terminal::{Thousands, counted, note, warn};

const TEMPLATE: &str = "{msg}\n{bar:24} {human_pos} of {human_len} steps  {eta} left";

/// How many steps the loss and the speed on the bar are averaged over.
const RECENT: usize = 50;

/// Shows a run.
#[derive(Debug, Default)]
pub(crate) struct TrainingDisplay {
    /// The bar of what is going on.
    bar: Option<(Counted, ProgressBar)>,
    recent: VecDeque<RecentStep>,
    /// The last validation's metric, as it is shown.
    metric: String,
    /// The metric that chooses the best epoch.
    best: &'static str,
    /// What computes.
    device: ComputeDevice,
}

/// What a bar counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Counted {
    Steps,
    Texts,
    /// Of a corpus that is read.
    Megabytes,
    Tokens,
}

#[derive(Debug)]
struct RecentStep {
    loss: f64,
    tokens: usize,
    texts: usize,
    seconds: f64,
}

impl TrainingDisplay {
    /// Shows a run on `device` whose best epoch this metric chooses.
    pub(crate) fn new(best: &'static str, device: &ComputeDevice) -> Self {
        Self {
            best,
            device: device.clone(),
            ..Self::default()
        }
    }

    /// Prints a line above the bar.
    fn line(&self, line: impl Display) {
        self.above(|| note(line));
    }

    fn above(&self, print: impl FnOnce()) {
        match &self.bar {
            Some((_, bar)) => bar.suspend(print),
            None => print(),
        }
    }

    fn warning(&self, warning: &Warning<'_>) {
        self.above(|| match warning {
            Warning::SkippedRows(errors) => {
                let mut skipped = SkippedRows::default();
                errors.iter().for_each(|error| skipped.add(error));
                skipped.report();
            }
            Warning::SkippedTexts { count, first } => {
                let mut skipped = SkippedRows::default();
                skipped.add_counted(*count, first);
                skipped.report();
            }
            warning => warn(describe(warning)),
        });
    }

    /// The bar that counts this, in place of one that counts something else.
    fn bar(&mut self, counted: Counted, make: impl FnOnce() -> ProgressBar) -> &ProgressBar {
        if self
            .bar
            .as_ref()
            .is_some_and(|(other, _)| *other != counted)
        {
            self.clear();
        }
        &self.bar.get_or_insert_with(|| (counted, make())).1
    }

    fn counting(&mut self, counted: Counted, done: usize, total: usize, what: &'static str) {
        self.bar(counted, || counter(total, what))
            .set_position(done as u64);
        if done == total {
            self.clear();
        }
    }

    fn clear(&mut self) {
        if let Some((_, bar)) = self.bar.take() {
            bar.finish_and_clear();
        }
    }

    fn step(&mut self, number: u64, steps: u64, epoch: u64, step: RecentStep) {
        self.recent.push_back(step);
        if self.recent.len() > RECENT {
            self.recent.pop_front();
        }
        let count = self.recent.len() as f64;
        let loss = self.recent.iter().map(|step| step.loss).sum::<f64>() / count;
        let tokens: usize = self.recent.iter().map(|step| step.tokens).sum();
        let texts: usize = self.recent.iter().map(|step| step.texts).sum();
        let seconds: f64 = self.recent.iter().map(|step| step.seconds).sum();
        // A step on kept features reads no token.
        let (read, what) = match tokens {
            0 => (texts, "texts"),
            _ => (tokens, "tokens"),
        };
        let speed = Thousands((read as f64 / seconds.max(1e-9)) as usize);
        let message = format!(
            "epoch {epoch}  loss {loss:.4}{}  {speed} {what}/s",
            self.metric
        );
        let bar = self.bar(Counted::Steps, || {
            let bar = bar(steps, TEMPLATE);
            bar.set_position(number - 1);
            bar.reset_eta();
            bar
        });
        bar.set_message(message);
        bar.set_position(number);
    }

    fn features(&self, record: &FeatureRecord, path: Option<&Path>) {
        let texts = counted(record.texts, "text");
        let folder = path.and_then(Path::parent).map(Path::display);
        self.line(match (folder, record.cached) {
            (Some(folder), true) => format!("features of {texts}: read from {folder}"),
            (folder, _) => {
                let kept = folder.map_or(String::new(), |folder| format!(", kept in {folder}"));
                let seconds = record.seconds;
                format!("features of {texts}: computed once in {seconds:.0} s{kept}")
            }
        });
    }

    fn corpus(&self, split: &str, facts: &CorpusFacts, folder: Option<&Path>) {
        let count = |number: u64, what: &str| counted(number as usize, what);
        let mut line = format!("{split}: {}", count(facts.tokens, "token"));
        if facts.sequences > 0 {
            line += &format!(" of {}", count(facts.sequences, facts.unit));
        }
        line += &format!(", {}", count(facts.examples, "example"));
        if facts.dropped > 0 {
            line += &format!(
                ", {} without a word to mask",
                count(facts.dropped, facts.unit)
            );
        }
        if let Some(folder) = folder {
            line += &format!(" (in {})", folder.display());
        }
        self.line(line);
    }

    /// Loss and metric of a validation, the metric for the bar as well.
    fn validation(&mut self, metrics: &Metrics) -> String {
        let mut text = String::new();
        if let Some(loss) = metrics.get("loss") {
            text += &format!(", validation loss {loss:.4}");
        }
        if let Some(value) = metrics.get(self.best).filter(|_| self.best != "loss") {
            // Perplexities begin in the thousands.
            let value = match value {
                1e15.. => format!("{value:.1e}"),
                100.0.. => format!("{value:.1}"),
                _ => format!("{value:.4}"),
            };
            text += &format!(", {} {value}", self.best);
            self.metric = format!("  {} {value}", self.best);
        }
        text
    }

    fn epoch(&mut self, record: &EpochRecord, epochs: u64) {
        let mut line = format!(
            "epoch {} of {epochs}: {}, train loss {:.4}",
            record.epoch,
            counted(record.step as usize, "step"),
            record.train_loss
        );
        line += &self.validation(&record.validation);
        line += &format!(", {:.0} s", record.seconds);
        // Without validation rows nothing was compared: the last epoch is kept.
        if record.best && record.validation.get(self.best).is_some() {
            line += ", best so far";
        }
        self.line(line);
    }
}

impl Observer for TrainingDisplay {
    fn observe(&mut self, event: &Event<'_>) {
        match event {
            Event::Encoding { done, total } => {
                self.counting(Counted::Texts, *done, *total, "texts encoded");
            }
            Event::ReadingCorpus { bytes, total } => {
                let megabytes = |bytes: u64| bytes.div_ceil(1_000_000) as usize;
                let (done, total) = (megabytes(*bytes), megabytes(*total));
                self.counting(Counted::Megabytes, done, total, "MB tokenized");
            }
            Event::Corpus {
                split,
                facts,
                folder,
            } => {
                self.clear();
                self.corpus(split.name(), facts, *folder);
            }
            Event::Evaluating { done, total, .. } => {
                self.counting(Counted::Texts, *done, *total, "texts evaluated");
            }
            Event::ComputingFeatures { done, total } => {
                let what = "tokens through the frozen encoder";
                self.counting(Counted::Tokens, *done, *total, what);
            }
            Event::Features { record, path } => {
                self.clear();
                self.features(record, *path);
            }
            Event::Report(report) => self.line(report),
            Event::Warning(warning) => self.warning(warning),
            Event::Model { report, parameters } => {
                report.lines().iter().for_each(|line| self.line(line));
                self.line(format_args!(
                    "{}, {} trainable",
                    counted(parameters.parameters, "parameter"),
                    Thousands(parameters.trainable)
                ));
            }
            Event::Start {
                steps,
                epochs,
                resumed,
            } => {
                if let Some((checkpoint, step)) = resumed {
                    let step = Thousands(*step as usize);
                    self.line(format_args!(
                        "going on from {}, step {step}",
                        checkpoint.display()
                    ));
                }
                if self.device.name() != DeviceName::default() {
                    self.line(format_args!("computing on {}", self.device));
                }
                let steps = counted(*steps as usize, "step");
                self.line(format_args!(
                    "{}, {steps}",
                    counted(*epochs as usize, "epoch")
                ));
            }
            Event::FirstEvaluation { evaluation } => {
                self.clear();
                let validation = self.validation(&evaluation.metrics);
                self.line(format_args!("before the first step{validation}"));
            }
            Event::Step {
                step,
                epoch,
                steps,
                report,
                seconds,
            } => {
                let recent = RecentStep {
                    loss: report.loss,
                    tokens: report.tokens,
                    texts: report.sequences,
                    seconds: *seconds,
                };
                self.step(*step, *steps, *epoch, recent);
            }
            Event::ParameterGroups(groups) => learning_rates(groups)
                .into_iter()
                .for_each(|line| self.line(line)),
            Event::EarlyStop {
                metric,
                best,
                evaluations,
            } => {
                let best = best.map_or(String::new(), |best| format!(" than {best:.4}"));
                let times = counted(*evaluations as usize, "evaluation");
                self.line(format_args!(
                    "stopped early: {metric} has not got better{best} for {times}"
                ));
            }
            Event::Epoch { record, epochs, .. } => {
                self.clear();
                self.epoch(record, *epochs);
            }
            _ => {}
        }
    }
}

fn describe(warning: &Warning<'_>) -> String {
    match warning {
        Warning::TextsInTwoSplits(overlap) => {
            format!("{overlap}; metrics on such rows flatter the model")
        }
        Warning::CutTexts {
            texts,
            total,
            max_length,
        } => format!(
            "{} of {} are longer than {max_length} tokens and were cut",
            Thousands(*texts),
            counted(*total, "text")
        ),
        Warning::TextWindows {
            texts,
            windows,
            total,
            max_length,
        } => format!(
            "{} of {} are longer than {max_length} tokens and are read in {} windows that overlap",
            Thousands(*texts),
            counted(*total, "text"),
            Thousands(*windows)
        ),
        Warning::Windows {
            sentences,
            total,
            max_length,
        } => format!(
            "{} of {} are longer than {max_length} tokens and are read in windows that overlap",
            Thousands(*sentences),
            counted(*total, "sentence")
        ),
        Warning::QuestionWindows {
            questions,
            total,
            max_length,
        } => format!(
            "{} of {} and their contexts are longer than {max_length} tokens and are read in \
             windows that overlap",
            Thousands(*questions),
            counted(*total, "question")
        ),
        Warning::RepeatedAnswers { file, answers } => format!(
            "{}: {} in a context that holds the same text again; the first place is taken",
            file.display(),
            counted(*answers, "answer")
        ),
        Warning::CutQuestions {
            questions,
            total,
            max_length,
        } => format!(
            "{} of {} are longer than {max_length} tokens and were cut",
            Thousands(*questions),
            counted(*total, "question")
        ),
        Warning::UnknownTokens { split, share } => format!(
            "{:.1}% of the tokens of the {split} rows are not in the vocabulary: is the model of \
             another language?",
            100.0 * share
        ),
        Warning::NoValidation => {
            "there are no validation rows: the model of the last epoch is kept".into()
        }
        Warning::OtherDevice { before, now } => format!(
            "the run was computed on {before} so far and goes on on {now}: it ends close to what \
             it would have been, and not bit for bit the same"
        ),
        Warning::DamagedCheckpoint(damaged) => format!(
            "{} is damaged ({}); an older checkpoint is used",
            damaged.path.display(),
            damaged.reason
        ),
        Warning::NoCheckpoint => {
            "there is no checkpoint to go on from: the run starts again".into()
        }
        Warning::DamagedFeatures { path, reason } => format!(
            "the features in {} cannot be used ({reason}); they are computed again",
            path.display()
        ),
        Warning::FeaturesTooLarge { bytes } => format!(
            "the features of the frozen encoder would take {} MB: nothing is kept, and the encoder \
             runs in every epoch",
            Thousands(bytes >> 20)
        ),
        Warning::FeaturesNotKept { path, reason } => format!(
            "cannot write {} ({reason}); the features stay in memory, and another run computes \
             them again",
            path.display()
        ),
        other => format!("{other:?}"),
    }
}
