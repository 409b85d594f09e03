//! Which task `cloze predict` does with a model.

use clap::ValueEnum;
use cloze_infer::ModelTask;

use crate::failure::Usage;

/// What is predicted. The names are those of `transformers`' pipelines, where it has one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum PredictTask {
    /// The likeliest label of a text; also `sentiment-analysis`
    #[value(alias = "sentiment-analysis")]
    TextClassification,
    /// Every label that reaches its threshold
    MultiLabel,
    /// A number for a text
    Regression,
    /// Entities, or labels of words; also `ner`
    #[value(alias = "ner")]
    TokenClassification,
    /// Pieces of a context that answer a question
    QuestionAnswering,
    /// Words behind masks; also `masked-lm`
    #[value(alias = "masked-lm")]
    FillMask,
    /// Whether the second text of a pair follows the first
    NextSentence,
    /// A vector for a text, as `cloze embed` makes it; also `feature-extraction`
    #[value(alias = "feature-extraction")]
    Embedding,
}

impl PredictTask {
    /// Its name in arguments.
    pub(crate) fn name(self) -> String {
        let value = self.to_possible_value();
        value.map_or_else(String::new, |value| value.get_name().to_owned())
    }

    /// The task of a model, if `cloze predict` has one for it, and what else its head can do.
    fn fitting(model: ModelTask) -> (Option<Self>, &'static [Self]) {
        match model {
            ModelTask::TextClassification => (
                Some(Self::TextClassification),
                &[Self::TextClassification, Self::MultiLabel, Self::Embedding],
            ),
            ModelTask::MultiLabel => (
                Some(Self::MultiLabel),
                &[Self::MultiLabel, Self::TextClassification, Self::Embedding],
            ),
            ModelTask::Regression => (Some(Self::Regression), &[Self::Regression, Self::Embedding]),
            ModelTask::TokenClassification => (
                Some(Self::TokenClassification),
                &[Self::TokenClassification, Self::Embedding],
            ),
            ModelTask::QuestionAnswering => (
                Some(Self::QuestionAnswering),
                &[Self::QuestionAnswering, Self::Embedding],
            ),
            ModelTask::MaskedLm => (Some(Self::FillMask), &[Self::FillMask, Self::Embedding]),
            ModelTask::Pretraining => (
                Some(Self::FillMask),
                &[Self::FillMask, Self::NextSentence, Self::Embedding],
            ),
            ModelTask::Continuation => (None, &[Self::Embedding]),
        }
    }

    /// What is to be predicted with a model: what was asked for, otherwise what it was made for.
    pub(crate) fn of(model: ModelTask, asked: Option<Self>) -> Result<Self, Usage> {
        let (own, fitting) = Self::fitting(model);
        match asked {
            Some(asked) if fitting.contains(&asked) => Ok(asked),
            Some(asked) => {
                let names: Vec<String> = fitting.iter().map(|task| task.name()).collect();
                Err(Usage::new(format!(
                    "--task {}: the model has no head for it; what fits it is {}",
                    asked.name(),
                    names.join(", ")
                )))
            }
            None => own.ok_or_else(|| {
                Usage::new(
                    "the model continues texts, as `cloze generate` does; `cloze predict` gives the \
                     vectors of its encoder alone: --task embedding",
                )
            }),
        }
    }

    /// Whether it is one prediction for a whole text, of a head that has been trained for it.
    pub(super) fn is_of_whole_texts(self) -> bool {
        matches!(
            self,
            Self::TextClassification | Self::MultiLabel | Self::Regression
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(model: ModelTask, asked: &str) -> Result<PredictTask, String> {
        let asked = PredictTask::from_str(asked, false).unwrap();
        PredictTask::of(model, Some(asked)).map_err(|error| error.to_string())
    }

    #[test]
    fn what_fits_the_head_is_done_and_everything_else_named() {
        use PredictTask as P;
        let (one, several) = (ModelTask::TextClassification, ModelTask::MultiLabel);
        assert_eq!(of(one, "sentiment-analysis"), Ok(P::TextClassification));
        assert_eq!(of(one, "multi-label"), Ok(P::MultiLabel));
        assert_eq!(
            of(several, "text-classification"),
            Ok(P::TextClassification)
        );
        assert_eq!(
            of(ModelTask::TokenClassification, "ner"),
            Ok(P::TokenClassification)
        );
        assert_eq!(of(ModelTask::Pretraining, "masked-lm"), Ok(P::FillMask));
        assert_eq!(
            of(ModelTask::Pretraining, "next-sentence"),
            Ok(P::NextSentence)
        );
        assert_eq!(
            of(ModelTask::MaskedLm, "feature-extraction"),
            Ok(P::Embedding)
        );
        assert_eq!(
            of(ModelTask::MaskedLm, "next-sentence").unwrap_err(),
            "--task next-sentence: the model has no head for it; what fits it is fill-mask, embedding"
        );
        assert_eq!(
            of(one, "ner").unwrap_err(),
            "--task token-classification: the model has no head for it; what fits it is \
             text-classification, multi-label, embedding"
        );
        assert!(of(ModelTask::Regression, "text-classification").is_err());
        assert_eq!(PredictTask::of(several, None).unwrap(), P::MultiLabel);
        assert_eq!(
            PredictTask::of(ModelTask::Pretraining, None).unwrap(),
            P::FillMask
        );
        assert!(PredictTask::of(ModelTask::Continuation, None).is_err());
    }
}
