//! Examples as the model sees them, for whoever wants to look at them before a run, or to give
//! them to another program.

use std::ops::ControlFlow;

use cloze_data::tokenizer::Tokenizer;
use cloze_model::checkpoint::{Checkpoint, HubOptions, check_vocabulary, resolve_model};
use cloze_tasks::{Example, ExampleSource};
use serde::Serialize;

use crate::StopFlag;
use crate::config::RunConfig;
use crate::data::{Prepare, Prepared};
use crate::error::TrainError;
use crate::events::{Observer, SplitName};
use crate::run::{Environment, OfTask, of_task};

/// An example as the model sees it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ShownExample {
    /// The tokens, special ones included.
    pub tokens: Vec<String>,
    /// Their ids.
    pub input_ids: Vec<u32>,
    /// Their types.
    pub token_type_ids: Vec<u32>,
    /// Lengths in tokens of the windows that these are, one after another; empty where they are one
    /// sequence.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub windows: Vec<usize>,
    /// What the model should say.
    #[serde(flatten)]
    pub target: ShownTarget,
}

/// What a model should say about an example.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum ShownTarget {
    /// A label.
    Label {
        /// Its name.
        label: String,
    },
    /// Any number of labels.
    Labels {
        /// Their names, in the order of their ids.
        labels: Vec<String>,
    },
    /// A number.
    Number {
        /// The number.
        label: f64,
    },
    /// A tag for every word.
    Tags {
        /// For every token its label, `null` where it has none.
        tags: Vec<Option<String>>,
        /// The same as ids, -100 where there is none, as in `transformers`.
        labels: Vec<i64>,
    },
    /// A piece of the context.
    Span {
        /// Position of its first token, from 0; that of the first token of all where the window has
        /// no answer.
        start_position: Option<usize>,
        /// Position of its last token.
        end_position: Option<usize>,
        /// What the context has there, `null` where there is no answer.
        answer: Option<String>,
    },
    /// The token that comes next.
    Next {
        /// Its id.
        next_id: u32,
    },
    /// Words.
    Masked {
        /// Where they stand, from 0.
        positions: Vec<usize>,
        /// The ids that stood there before masking.
        targets: Vec<u32>,
        /// 0 if the second text follows the first, as in `transformers`; nothing where there are
        /// no pairs.
        #[serde(skip_serializing_if = "Option::is_none")]
        next_sentence_label: Option<usize>,
    },
}

/// Which examples are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shown {
    /// Of which split.
    pub split: SplitName,
    /// As which epoch of training sees them, from 0; evaluations see those of epoch 0.
    pub epoch: u64,
}

/// Prepares the data of a configuration as [`train`](crate::train) does, and shows the examples of
/// a split in their order until `show` breaks off. Nothing is trained, and no run folder is made.
///
/// # Errors
/// If the model's folder, the data or the configuration cannot be used.
pub fn show_examples(
    config: RunConfig,
    shown: Shown,
    environment: &Environment,
    observer: &mut dyn Observer,
    stop: &StopFlag,
    show: &mut dyn FnMut(&ShownExample) -> ControlFlow<()>,
) -> Result<(), TrainError> {
    let task = config.task;
    let errand = Show {
        config,
        shown,
        environment,
        observer,
        stop,
        show,
    };
    of_task(task, errand)
}

struct Show<'a> {
    config: RunConfig,
    shown: Shown,
    environment: &'a Environment,
    observer: &'a mut dyn Observer,
    stop: &'a StopFlag,
    show: &'a mut dyn FnMut(&ShownExample) -> ControlFlow<()>,
}

impl OfTask for Show<'_> {
    type Output = ();

    fn with<T: Prepare>(mut self) -> Result<(), TrainError> {
        let hub = HubOptions {
            revision: self.config.model.revision.clone(),
            ..self.environment.hub.clone()
        };
        let source = Checkpoint::open(&resolve_model(&self.config.model.path, &hub)?)?;
        let tokenizer = Tokenizer::from_folder(source.folder())?;
        let ids = tokenizer.last_id() as usize + 1;
        check_vocabulary(&source, ids, source.encoder_config().vocab_size)?;
        let prepared = T::prepare(
            &mut self.config,
            &source,
            &tokenizer,
            self.environment.cache.as_deref(),
            self.observer,
            self.stop,
        )?;
        let Some(Prepared { task, data }) = prepared else {
            return Ok(());
        };
        let examples: &dyn ExampleSource<T::Target> = &*data.split(self.shown.split).examples;
        for index in 0..examples.len() {
            let example = examples.example(index, self.shown.epoch)?;
            if (self.show)(&shown(&task, &tokenizer, &example)).is_break() {
                break;
            }
        }
        Ok(())
    }
}

fn shown<T: Prepare>(
    task: &T,
    tokenizer: &Tokenizer,
    example: &Example<T::Target>,
) -> ShownExample {
    let token = |&id: &u32| tokenizer.id_to_token(id).unwrap_or_default();
    ShownExample {
        tokens: example.ids.iter().map(token).collect(),
        input_ids: example.ids.clone(),
        token_type_ids: example.type_ids.clone(),
        windows: example.windows.clone(),
        target: task.shown_target(&example.target),
    }
}
