//! Arguments of `cloze predict` that make no sense for what is predicted.

use cloze_infer::{ModelTask, TopK};

use super::long_texts::LONG_TEXTS;
use super::predict::PredictSettings;
use super::predict_task::PredictTask;
use crate::failure::Usage;

impl PredictSettings {
    /// What is predicted with a model of this task. Refuses what does not fit it.
    pub(crate) fn task(&self, model: ModelTask) -> Result<PredictTask, Usage> {
        let task = PredictTask::of(model, self.task)?;
        match self.misfit(task) {
            Some(message) => Err(Usage::new(message)),
            None => Ok(task),
        }
    }

    /// What is wrong with the arguments for a task.
    fn misfit(&self, task: PredictTask) -> Option<&'static str> {
        if self.aggregation.is_some() && task != PredictTask::TokenClassification {
            return Some("--aggregation is for models that label words, and this one does not");
        }
        if self.threshold.is_some() && task != PredictTask::MultiLabel {
            return Some(
                "--threshold is for models that give any number of labels, and this one does not; \
                 --task multi-label makes a classifier one",
            );
        }
        let asks = self.asks || self.answers.are_given();
        if asks && task != PredictTask::QuestionAnswering {
            return Some(
                "--question, --context, --null-threshold, --max-answer-length, --doc-stride and files \
                 of questions are for models that answer questions, and this one does not",
            );
        }
        if self.long.are_given() && !task.is_of_whole_texts() {
            return Some(LONG_TEXTS);
        }
        if !self.targets.is_empty() && task != PredictTask::FillMask {
            return Some(match task {
                PredictTask::QuestionAnswering => {
                    "--targets is for masks, and the model answers questions"
                }
                PredictTask::TokenClassification => {
                    "--targets is for masks, and the model labels words"
                }
                PredictTask::NextSentence => "--targets is for masks, not for --task next-sentence",
                PredictTask::Embedding => "--targets is for masks, not for --task embedding",
                _ => "--targets is for masks, and the model labels texts",
            });
        }
        match task {
            PredictTask::QuestionAnswering if self.options.top_k == TopK::All => {
                Some("--all is for labels, and the model answers questions: --top-k gives several")
            }
            PredictTask::TokenClassification if self.list => {
                Some("--top-k and --all are for labels of whole texts, and the model labels words")
            }
            PredictTask::TokenClassification if self.has_pair => {
                Some("--pair and --text-pair: the model labels the words of single texts")
            }
            PredictTask::Regression if self.list => {
                Some("--top-k and --all are for labels, and the model gives a number")
            }
            PredictTask::Embedding if self.list => {
                Some("--top-k and --all are for labels, and a text has one vector")
            }
            PredictTask::Embedding if self.has_pair => {
                Some("--pair and --text-pair: vectors are of single texts")
            }
            _ => None,
        }
    }
}
