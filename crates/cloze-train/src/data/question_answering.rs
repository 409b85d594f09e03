//! From questions with their contexts to encoded splits.

use std::collections::HashMap;
use std::hash::Hash;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cloze_data::readers::questions::{
    Question, QuestionReadOptions, StoredQuestions, store_questions,
};
use cloze_data::records::Records;
use cloze_data::reports::{DatasetReport, SplitCounts};
use cloze_data::splits::OverlapFinder;
use cloze_data::tokenizer::Tokenizer;
use cloze_model::checkpoint::Checkpoint;
use cloze_tasks::{AnswerSettings, QuestionAnswering, SpanTarget, Task};

use super::sources::{RowSplit, split_rows, tell_of_overlaps};
use super::splits::{SplitWriter, records_folder};
use super::{
    Data, Prepare, Prepared, RowOrigin, SplitData, fingerprints, max_length, warn_of_unknown_tokens,
};
use crate::StopFlag;
use crate::config::{NullThresholdConfig, QuestionsConfig, RunConfig};
use crate::error::TrainError;
use crate::events::{Event, Observer, Warning};
use crate::shown::ShownTarget;

/// Questions that are read and encoded together.
const CHUNK: usize = 1024;

impl Prepare for QuestionAnswering {
    /// An answer is shown as its tokens' characters have it, so that a wrong alignment is seen.
    fn shown_target(&self, target: &SpanTarget) -> ShownTarget {
        let context = target.window.context.start;
        let offset = |position: Option<usize>| {
            let place = position?.checked_sub(context)?;
            target.window.offsets.get(place).copied()
        };
        let start = offset(target.positions.start);
        let end = offset(target.positions.end);
        let answer = start
            .zip(end)
            .map(|(first, last)| target.asked.text(first.0 as usize, last.1 as usize));
        ShownTarget::Span {
            start_position: target.positions.start,
            end_position: target.positions.end,
            answer,
        }
    }

    /// Encodes all questions. They and their examples are kept on the disk, if they are many.
    fn prepare(
        config: &mut RunConfig,
        checkpoint: &Checkpoint,
        tokenizer: &Tokenizer,
        cache: Option<&Path>,
        observer: &mut dyn Observer,
        stop: &StopFlag,
    ) -> Result<Option<Prepared<Self>>, TrainError> {
        let max_length = max_length(config, checkpoint.encoder_config(), tokenizer)?;
        config.data.max_length = Some(max_length);
        let folder = records_folder(cache);
        let sources = read_sources(config, &folder, observer)?;
        let splits = split(config, &sources)?;
        warn_of_overlaps(&sources, &splits, observer)?;
        let task = task(config, max_length, &sources[0])?;
        let encoding = Encoding {
            task: &task,
            tokenizer,
            folder: &folder,
            total: splits.iter().map(|split| split.rows.len()).sum(),
        };
        let mut report = DatasetReport::new(&[], None).with_coverage(config.data.coverage);
        let mut encoded = Vec::with_capacity(splits.len());
        let mut done = 0;
        let mut counts = Counts::default();
        for split in &splits {
            let source = &sources[split.source];
            let found = encoding.split(split, source, &mut done, observer, stop)?;
            let Some((data, of_split)) = found else {
                return Ok(None);
            };
            if of_split.facts.rows() > 0 {
                report.add_counts(split.name.name(), &of_split.facts);
            }
            counts.long += of_split.long;
            counts.cut += of_split.cut;
            encoded.push(data);
        }
        tell(&report, &task, &counts, observer);
        let fingerprints = fingerprints(config, tokenizer)?;
        // `encoded` holds train, validation and test, in this order, as `split` made them.
        let (test, validation) = (encoded.remove(2), encoded.remove(1));
        let data = Data {
            train: encoded.remove(0),
            validation,
            test,
            fingerprints,
        };
        Ok(Some(Prepared { task, data }))
    }
}

/// A file's questions.
struct Source {
    file: PathBuf,
    questions: Records<Question>,
}

/// The training file first, then those of validation and test if there are any.
fn read_sources(
    config: &RunConfig,
    folder: &Path,
    observer: &mut dyn Observer,
) -> Result<Vec<Source>, TrainError> {
    let data = &config.data;
    let options = QuestionReadOptions {
        bad_rows: data.bad_rows.into(),
        ..QuestionReadOptions::default()
    };
    let files = [
        Some(data.train.first()),
        data.validation.as_deref(),
        data.test.as_deref(),
    ];
    let mut sources = Vec::new();
    for file in files.into_iter().flatten() {
        let read = store_questions::<TrainError>(file, &options, folder)?;
        let StoredQuestions {
            questions,
            skipped,
            repeated_answers: answers,
        } = read;
        if answers > 0 {
            let warning = Warning::RepeatedAnswers { file, answers };
            observer.observe(&Event::Warning(warning));
        }
        if !skipped.is_empty() {
            observer.observe(&Event::Warning(Warning::SkippedRows(&skipped)));
        }
        sources.push(Source {
            file: file.into(),
            questions,
        });
    }
    Ok(sources)
}

/// The task that the configuration describes; what it leaves to the training file goes into it.
fn task(
    config: &mut RunConfig,
    max_length: usize,
    training: &Source,
) -> Result<QuestionAnswering, TrainError> {
    let questions = &mut config.questions;
    let is_threshold_given = questions.null_threshold != QuestionsConfig::default().null_threshold;
    let unanswerable = match questions.unanswerable {
        Some(unanswerable) => unanswerable,
        None => is_threshold_given || has_unanswerable(training)?,
    };
    questions.unanswerable = Some(unanswerable);
    let (null_threshold, is_tuned) = match questions.null_threshold {
        NullThresholdConfig::Number(number) => (number, false),
        NullThresholdConfig::Named(_) => (AnswerSettings::default().null_threshold, true),
    };
    let settings = AnswerSettings {
        doc_stride: questions.doc_stride,
        max_question_length: questions.max_question_length,
        max_answer_length: questions.max_answer_length,
        n_best: questions.n_best,
        unanswerable,
        null_threshold,
        metric: questions.metric.into(),
    };
    let task = QuestionAnswering::new(max_length, settings);
    questions.doc_stride = Some(task.doc_stride());
    questions.max_question_length = Some(task.max_question_length());
    Ok(match is_tuned {
        true => task.with_tuned_threshold(),
        false => task,
    })
}

fn has_unanswerable(source: &Source) -> Result<bool, TrainError> {
    for question in source.questions.iter() {
        if question?.answers.is_empty() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// From how many articles on these stay whole where a file is divided; of fewer the contexts do.
const ARTICLES: usize = 20;

/// The rows of each article, or of each context.
fn groups(questions: &Records<Question>) -> Result<Vec<Vec<usize>>, TrainError> {
    let (mut articles, mut contexts) = (Groups::default(), Groups::default());
    for (row, question) in questions.iter().enumerate() {
        let question = question?;
        articles.add(row, question.article);
        // Of more articles than that the contexts are not asked for.
        if articles.rows.len() < ARTICLES {
            contexts.add(row, blake3::hash(question.context.as_bytes()));
        }
    }
    Ok(match articles.rows.len() {
        ARTICLES.. => articles.rows,
        _ => contexts.rows,
    })
}

/// Rows that have something in common.
struct Groups<K> {
    places: HashMap<K, usize>,
    rows: Vec<Vec<usize>>,
}

impl<K> Default for Groups<K> {
    fn default() -> Self {
        Self {
            places: HashMap::new(),
            rows: Vec::new(),
        }
    }
}

impl<K: Eq + Hash> Groups<K> {
    fn add(&mut self, row: usize, common: K) {
        let place = *self.places.entry(common).or_insert(self.rows.len());
        if place == self.rows.len() {
            self.rows.push(Vec::new());
        }
        self.rows[place].push(row);
    }
}

/// Train, validation and test. The questions about an article stay together, so that none is
/// judged by what was trained on.
fn split(config: &RunConfig, sources: &[Source]) -> Result<[RowSplit; 3], TrainError> {
    let groups = groups(&sources[0].questions)?;
    let mut lengths: Vec<usize> = sources
        .iter()
        .map(|source| source.questions.len())
        .collect();
    lengths[0] = groups.len();
    let mut splits = split_rows(config, &lengths, None)?;
    for split in splits.iter_mut().filter(|split| split.source == 0) {
        let rows = split.rows.iter().flat_map(|&group| groups[group].clone());
        split.rows = rows.collect();
        split.rows.sort_unstable();
    }
    Ok(splits)
}

/// Paragraphs that stand in two files.
fn warn_of_overlaps(
    sources: &[Source],
    splits: &[RowSplit],
    observer: &mut dyn Observer,
) -> Result<(), TrainError> {
    if sources.len() == 1 {
        return Ok(());
    }
    let mut finder = OverlapFinder::default();
    for split in splits {
        finder.begin(split.name.name());
        let mut last: Option<Arc<str>> = None;
        for &row in &split.rows {
            let context = sources[split.source].questions.get(row)?.context;
            let is_last = |last: &Arc<str>| Arc::ptr_eq(last, &context);
            if !last.as_ref().is_some_and(is_last) {
                finder.see(&context, None);
            }
            last = Some(context);
        }
    }
    tell_of_overlaps(finder, observer);
    Ok(())
}

/// What a report says of questions, not of their windows.
#[derive(Default)]
struct Counts {
    facts: SplitCounts,
    /// Read in several windows.
    long: usize,
    /// Longer than a question may be.
    cut: usize,
}

/// How questions become examples.
struct Encoding<'a> {
    task: &'a QuestionAnswering,
    tokenizer: &'a Tokenizer,
    folder: &'a Path,
    /// Questions of all splits.
    total: usize,
}

impl Encoding<'_> {
    /// A split, and what is said of it; `None` if asked to stop. `done` counts the questions of all
    /// splits.
    fn split(
        &self,
        split: &RowSplit,
        source: &Source,
        done: &mut usize,
        observer: &mut dyn Observer,
        stop: &StopFlag,
    ) -> Result<Option<(SplitData<SpanTarget>, Counts)>, TrainError> {
        let mut writer = SplitWriter::new(self.folder);
        let mut counts = Counts::default();
        let mut last = None;
        for (chunk, places) in split.rows.chunks(CHUNK).enumerate() {
            if stop.is_requested() {
                return Ok(None);
            }
            let first = chunk * CHUNK;
            let questions = places.iter().map(|&row| source.questions.get(row));
            let questions: Vec<Question> = questions.collect::<Result<_, _>>()?;
            let tokenizer = self.tokenizer;
            for mut example in self
                .task
                .examples_from(first, tokenizer, &questions, |_| ())?
            {
                let question = &questions[example.row];
                example.row += first;
                if last != Some(example.row) {
                    counts.facts.add(example.facts, None);
                    counts.long += usize::from(example.target.asked.windows > 1);
                    counts.cut += usize::from(example.target.asked.is_cut);
                    last = Some(example.row);
                }
                let origin = RowOrigin {
                    row: question.number,
                    line: question.line,
                    id: question.id.clone(),
                };
                writer.push(&example, &origin)?;
            }
            *done += places.len();
            observer.observe(&Event::Encoding {
                done: *done,
                total: self.total,
            });
        }
        Ok(Some((writer.finish(&source.file)?, counts)))
    }
}

fn tell(
    report: &DatasetReport,
    task: &QuestionAnswering,
    counts: &Counts,
    observer: &mut dyn Observer,
) {
    let total = report.splits.iter().map(|split| split.rows).sum();
    observer.observe(&Event::Report(report));
    if counts.long > 0 {
        observer.observe(&Event::Warning(Warning::QuestionWindows {
            questions: counts.long,
            total,
            max_length: task.max_length(),
        }));
    }
    if counts.cut > 0 {
        observer.observe(&Event::Warning(Warning::CutQuestions {
            questions: counts.cut,
            total,
            max_length: task.max_question_length(),
        }));
    }
    warn_of_unknown_tokens(report, observer);
}
