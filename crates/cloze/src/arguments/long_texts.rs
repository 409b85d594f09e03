use clap::{Args, ValueEnum};
use cloze_tasks::encoding::usual_stride;

use crate::failure::Usage;

/// What is said where the arguments do not fit the model.
pub(crate) const LONG_TEXTS: &str = "--long-texts and --stride are for models that label whole texts \
                                     or give them numbers, and this one does not";

/// What becomes of texts that are longer than the model reads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Args)]
pub(crate) struct LongTextArguments {
    /// What becomes of texts that are longer than the model reads at once, where it labels whole
    /// texts [default: what was saved with the model, cut]
    #[arg(long, value_enum, value_name = "HOW")]
    pub(crate) long_texts: Option<LongTextsArgument>,

    /// Tokens of a long text that a window repeats of the one before; implies --long-texts windows
    /// [default: what was saved with the model, a quarter of a window]
    #[arg(long, value_name = "N")]
    pub(crate) stride: Option<usize>,
}

/// What becomes of long texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LongTextsArgument {
    /// They are cut
    Cut,
    /// They are read in windows that overlap, whose logits are averaged
    Windows,
}

impl LongTextArguments {
    /// Whether anything was said.
    pub(crate) fn are_given(self) -> bool {
        self != Self::default()
    }

    /// Refuses what excludes the other.
    pub(crate) fn check(self) -> Result<(), Usage> {
        match (self.long_texts, self.stride) {
            (Some(LongTextsArgument::Cut), Some(_)) => Err(Usage::new(
                "--stride is for long texts that are read in windows, and --long-texts cut is given",
            )),
            _ => Ok(()),
        }
    }

    /// The tokens that windows of this length repeat; `None` where texts are cut. `saved` is what
    /// the model was trained with.
    pub(crate) fn stride(
        self,
        saved: Option<usize>,
        max_length: usize,
    ) -> Result<Option<usize>, Usage> {
        let stride = match (self.long_texts, self.stride) {
            (Some(LongTextsArgument::Cut), _) => None,
            (_, Some(stride)) => Some(stride),
            (Some(LongTextsArgument::Windows), None) => {
                Some(saved.unwrap_or(usual_stride(max_length)))
            }
            (None, None) => saved,
        };
        match self.stride {
            Some(stride) if stride + SPECIAL >= max_length => Err(Usage::new(format!(
                "--stride: found {stride}, wanted fewer tokens than the {} of a text that a window \
                 holds",
                max_length.saturating_sub(SPECIAL)
            ))),
            _ => Ok(stride),
        }
    }
}

/// Special tokens that a window has at least.
const SPECIAL: usize = 2;

#[cfg(test)]
mod tests {
    use super::*;

    fn stride(
        long_texts: Option<LongTextsArgument>,
        stride: Option<usize>,
        saved: Option<usize>,
    ) -> Result<Option<usize>, String> {
        let arguments = LongTextArguments { long_texts, stride };
        arguments.check().map_err(|error| error.to_string())?;
        let stride = arguments.stride(saved, 128);
        stride.map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_said_goes_before_what_was_saved() {
        use LongTextsArgument::{Cut, Windows};
        assert_eq!(stride(None, None, None), Ok(None));
        assert_eq!(stride(None, None, Some(9)), Ok(Some(9)));
        assert_eq!(stride(Some(Cut), None, Some(9)), Ok(None));
        assert_eq!(stride(Some(Windows), None, Some(9)), Ok(Some(9)));
        assert_eq!(stride(Some(Windows), None, None), Ok(Some(32)));
        assert_eq!(stride(Some(Windows), Some(5), Some(9)), Ok(Some(5)));
        assert_eq!(stride(None, Some(5), None), Ok(Some(5)));
        assert_eq!(stride(None, Some(125), None), Ok(Some(125)));
        let message = stride(None, Some(126), None).unwrap_err();
        assert!(message.contains("than the 126 of a text"), "{message}");
        let message = stride(Some(Cut), Some(5), None).unwrap_err();
        assert!(message.contains("--long-texts cut is given"), "{message}");
    }
}
