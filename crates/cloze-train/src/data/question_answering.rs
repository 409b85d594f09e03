//! From questions with their contexts to encoded splits.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cloze_data::readers::LabelledText;
use cloze_data::readers::questions::{Question, QuestionReadOptions, Questions, read_questions};
use cloze_data::reports::DatasetReport;
use cloze_data::splits::texts_in_two_splits;
use cloze_data::tokenizer::Tokenizer;
use cloze_model::checkpoint::Checkpoint;
use cloze_tasks::{AnswerSettings, Example, QuestionAnswering, SpanTarget};

use super::sources::{RowSplit, split_rows};
use super::{
    Data, Prepare, Prepared, RowOrigin, SplitData, fingerprints, max_length, warn_of_unknown_tokens,
};
use crate::StopFlag;
use crate::config::{NullThresholdConfig, QuestionsConfig, RunConfig};
use crate::error::TrainError;
use crate::events::{Event, Observer, SplitName, Warning};
use crate::shown::ShownTarget;

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

    /// Encodes all questions.
    fn prepare(
        config: &mut RunConfig,
        checkpoint: &Checkpoint,
        tokenizer: &Tokenizer,
        _: Option<&Path>,
        observer: &mut dyn Observer,
        _: &StopFlag,
    ) -> Result<Option<Prepared<Self>>, TrainError> {
        let max_length = max_length(config, checkpoint.encoder_config(), tokenizer)?;
        config.data.max_length = Some(max_length);
        let sources = read_sources(config, observer)?;
        let splits = split(config, &sources)?;
        warn_of_overlaps(&sources, &splits, observer);
        let task = task(config, max_length, &sources[0]);
        let mut encoded = encode(&task, tokenizer, &sources, &splits, observer)?;
        report(config, &task, &encoded, observer);
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
    questions: Vec<Question>,
}

/// The training file first, then those of validation and test if there are any.
fn read_sources(
    config: &RunConfig,
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
        let Questions { questions, skipped } = read_questions(file, &options)?;
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
fn task(config: &mut RunConfig, max_length: usize, training: &Source) -> QuestionAnswering {
    let questions = &mut config.questions;
    let is_threshold_given = questions.null_threshold != QuestionsConfig::default().null_threshold;
    let has_unanswerable =
        || is_threshold_given || training.questions.iter().any(|row| row.answers.is_empty());
    let unanswerable = *questions.unanswerable.get_or_insert_with(has_unanswerable);
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
    match is_tuned {
        true => task.with_tuned_threshold(),
        false => task,
    }
}

/// From how many articles on these stay whole where a file is divided; of fewer the contexts do.
const ARTICLES: usize = 20;

/// What the rows of a group have in common.
#[derive(PartialEq, Eq, Hash)]
enum Group {
    Article(usize),
    Context(Arc<str>),
}

/// The rows of each article, or of each context.
fn groups(questions: &[Question]) -> Vec<Vec<usize>> {
    let grouped = |group: fn(&Question) -> Group| {
        let mut places: HashMap<Group, usize> = HashMap::new();
        let mut groups: Vec<Vec<usize>> = Vec::new();
        for (row, question) in questions.iter().enumerate() {
            let place = *places.entry(group(question)).or_insert(groups.len());
            if place == groups.len() {
                groups.push(Vec::new());
            }
            groups[place].push(row);
        }
        groups
    };
    let articles = grouped(|question| Group::Article(question.article));
    match articles.len() {
        ARTICLES.. => articles,
        _ => grouped(|question| Group::Context(Arc::clone(&question.context))),
    }
}

/// Train, validation and test. The questions about an article stay together, so that none is
/// judged by what was trained on.
fn split(config: &RunConfig, sources: &[Source]) -> Result<[RowSplit; 3], TrainError> {
    let groups = groups(&sources[0].questions);
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
fn warn_of_overlaps(sources: &[Source], splits: &[RowSplit], observer: &mut dyn Observer) {
    if sources.len() == 1 {
        return;
    }
    let texts: Vec<(&str, Vec<LabelledText>)> = splits
        .iter()
        .map(|split| {
            let mut contexts: Vec<(&Arc<str>, usize)> = split
                .rows
                .iter()
                .map(|&row| &sources[split.source].questions[row])
                .map(|question| (&question.context, question.line))
                .collect();
            contexts.dedup_by(|a, b| Arc::ptr_eq(a.0, b.0));
            let text = |(context, line): (&Arc<str>, usize)| LabelledText {
                text: context.to_string(),
                text_pair: None,
                label: None,
                id: None,
                line,
            };
            (split.name.name(), contexts.into_iter().map(text).collect())
        })
        .collect();
    for overlap in texts_in_two_splits(texts.iter().map(|(name, rows)| (*name, rows))) {
        observer.observe(&Event::Warning(Warning::TextsInTwoSplits(&overlap)));
    }
}

fn encode(
    task: &QuestionAnswering,
    tokenizer: &Tokenizer,
    sources: &[Source],
    splits: &[RowSplit],
    observer: &mut dyn Observer,
) -> Result<Vec<SplitData<SpanTarget>>, TrainError> {
    let total = splits.iter().map(|split| split.rows.len()).sum();
    let mut before = 0;
    let mut encoded = Vec::with_capacity(splits.len());
    for split in splits {
        let source = &sources[split.source];
        let questions = split.rows.iter().map(|&row| &source.questions[row]);
        let examples = task.examples(tokenizer, questions, |done| {
            let done = before + done;
            observer.observe(&Event::Encoding { done, total });
        })?;
        before += split.rows.len();
        let origin = |example: &Example<SpanTarget>| {
            let question = &source.questions[split.rows[example.row]];
            RowOrigin {
                row: question.number,
                line: question.line,
                id: question.id.clone(),
            }
        };
        encoded.push(SplitData {
            file: source.file.clone(),
            origins: examples.iter().map(origin).collect(),
            examples: Arc::new(examples),
        });
    }
    Ok(encoded)
}

/// Tells of questions, not of their windows.
fn report(
    config: &RunConfig,
    task: &QuestionAnswering,
    splits: &[SplitData<SpanTarget>],
    observer: &mut dyn Observer,
) {
    use cloze_tasks::Task;
    let max_length = task.max_length();
    let mut report = DatasetReport::new(&[], None).with_coverage(config.data.coverage);
    let names = [SplitName::Train, SplitName::Validation, SplitName::Test];
    let (mut long, mut cut, mut total) = (0, 0, 0);
    for (name, split) in names.into_iter().zip(splits) {
        let examples = split.examples.in_memory().unwrap_or_default();
        let mut questions: Vec<&Example<SpanTarget>> = examples.iter().collect();
        questions.dedup_by_key(|example| example.row);
        if !questions.is_empty() {
            report.add_split(name.name(), questions.iter().map(|example| example.facts));
        }
        let is_long = |example: &&&Example<SpanTarget>| example.target.asked.windows > 1;
        long += questions.iter().filter(is_long).count();
        let is_cut = |example: &&&Example<SpanTarget>| example.target.asked.is_cut;
        cut += questions.iter().filter(is_cut).count();
        total += questions.len();
    }
    observer.observe(&Event::Report(&report));
    if long > 0 {
        observer.observe(&Event::Warning(Warning::QuestionWindows {
            questions: long,
            total,
            max_length,
        }));
    }
    if cut > 0 {
        observer.observe(&Event::Warning(Warning::CutQuestions {
            questions: cut,
            total,
            max_length: task.max_question_length(),
        }));
    }
    warn_of_unknown_tokens(&report, observer);
}
