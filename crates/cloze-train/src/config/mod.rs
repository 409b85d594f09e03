//! The TOML file of a run: its schema, reading it with good errors, and writing it resolved.

mod checks;
mod document;
mod masking_checks;
mod metric_checks;
mod question_checks;
mod schema;
mod schema_continuation;
mod schema_early_stopping;
mod schema_ema;
mod schema_long_texts;
mod schema_loss;
mod schema_masked;
mod schema_multi_label;
mod schema_precision;
mod schema_questions;
mod schema_tags;
mod schema_train;
mod task_checks;
mod training_checks;
mod validation;

use std::fs;
use std::path::{Path, PathBuf};

use cloze_core::InputError;
use schemars::generate::SchemaSettings;
use serde_json::Value;
use thiserror::Error;

use document::Document;
pub use schema::*;

/// Why a run's configuration cannot be used.
#[derive(Debug, Error)]
pub enum RunConfigError {
    /// The file cannot be read.
    #[error("cannot read {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// Something in it is wrong.
    #[error(transparent)]
    Value(#[from] InputError),
}

impl RunConfig {
    /// Reads a run's TOML file, applies `key=value` overrides in order, and fills in every value
    /// that has a default.
    ///
    /// # Errors
    /// If the file cannot be read or is no TOML; if a key is unknown, missing or has an unusable
    /// value; if two keys contradict each other. The error names file (or override), line and key.
    pub fn read(path: &Path, overrides: &[String]) -> Result<Self, RunConfigError> {
        let bytes = fs::read(path).map_err(|source| RunConfigError::Read {
            path: path.into(),
            source,
        })?;
        let text = String::from_utf8(bytes).map_err(|error| {
            let start = &error.as_bytes()[..error.utf8_error().valid_up_to()];
            let line = 1 + start.iter().filter(|&&byte| byte == b'\n').count();
            InputError::new(path, "bytes that are not UTF-8", "UTF-8 text").at_line(line)
        })?;
        Ok(Self::parse(path, &text, overrides)?)
    }

    /// As [`read`](Self::read), from text; `path` is for error messages.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn parse(path: &Path, text: &str, overrides: &[String]) -> Result<Self, InputError> {
        let mut document = Document::parse(path, text)?;
        for assignment in overrides {
            document.set(assignment)?;
        }
        validation::validate(&document, &json_schema())?;
        let mut config: Self = serde_json::from_value(document.value())
            .map_err(|error| InputError::new(path, error.to_string(), "a run's configuration"))?;
        checks::check(&config, &document)?;
        config.resolve();
        Ok(config)
    }

    /// The file's text with every default filled in; [`parse`](Self::parse) gives the same
    /// configuration back.
    pub fn to_toml(&self) -> String {
        toml::to_string(self).expect("texts, numbers and lists below tables are always TOML")
    }

    /// The metric that decides which epoch's model is kept.
    pub fn best(&self) -> BestMetric {
        self.train.best.unwrap_or(match self.task {
            TaskKind::TextClassification => BestMetric::Accuracy,
            TaskKind::MultiLabel => BestMetric::MicroF1,
            TaskKind::Regression => BestMetric::Spearman,
            TaskKind::TokenClassification | TaskKind::QuestionAnswering => BestMetric::F1,
            TaskKind::MaskedLm | TaskKind::Continuation => BestMetric::Perplexity,
            TaskKind::Pretraining => BestMetric::Loss,
        })
    }

    /// Names of the keys whose values differ, dotted.
    pub fn differences(&self, other: &Self) -> Vec<String> {
        let value = |config: &Self| {
            serde_json::to_value(config).expect("a configuration is plain data with text keys")
        };
        let mut names = Vec::new();
        differences("", &value(self), &value(other), &mut names);
        names
    }

    fn resolve(&mut self) {
        let train = &mut self.train;
        if train.tokens_per_batch.is_none() {
            train.batch_size.get_or_insert(16);
        }
        let schedule = &mut train.schedule;
        match schedule.kind {
            ScheduleKind::Step => {
                schedule.gamma.get_or_insert(0.1);
                schedule.unit.get_or_insert_default();
            }
            ScheduleKind::Polynomial => {
                schedule.power.get_or_insert(1.0);
                schedule.end_learning_rate.get_or_insert(POLYNOMIAL_END);
            }
            ScheduleKind::Cosine => {
                schedule.cycles.get_or_insert(HALF_A_CYCLE);
            }
            ScheduleKind::CosineWithRestarts => {
                schedule.cycles.get_or_insert(ONE_CYCLE);
            }
            ScheduleKind::Constant | ScheduleKind::Linear => (),
        }
        let decay = match self.optimizer.kind {
            OptimizerKind::Adamw => 0.01,
            OptimizerKind::Adam => 0.0,
        };
        self.optimizer.weight_decay.get_or_insert(decay);
        let best = self.best();
        self.train.best = Some(best);
        if let Some(early_stopping) = &mut self.train.early_stopping {
            early_stopping.metric.get_or_insert(best);
        }
        if let Some(split) = &mut self.data.split {
            split.seed.get_or_insert(self.seed);
        }
    }
}

fn differences(key: &str, a: &Value, b: &Value, names: &mut Vec<String>) {
    match (a, b) {
        (Value::Object(left), Value::Object(right)) => {
            let others = right.keys().filter(|name| !left.contains_key(*name));
            for name in left.keys().chain(others) {
                let key = match key {
                    "" => name.clone(),
                    _ => format!("{key}.{name}"),
                };
                let side = |map: &serde_json::Map<String, Value>| {
                    map.get(name).cloned().unwrap_or_default()
                };
                differences(&key, &side(left), &side(right), names);
            }
        }
        _ if a != b => names.push(key.into()),
        _ => (),
    }
}

/// The JSON Schema of a run's TOML file, draft 2020-12, without references.
pub fn json_schema() -> Value {
    let mut settings = SchemaSettings::draft2020_12();
    settings.inline_subschemas = true;
    settings
        .into_generator()
        .into_root_schema_for::<RunConfig>()
        .to_value()
}

#[cfg(test)]
mod tests;
