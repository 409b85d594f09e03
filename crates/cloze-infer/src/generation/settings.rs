use serde::{Deserialize, Serialize};
use thiserror::Error;

/// How a text is continued, with the names and meanings of `transformers`' `GenerationConfig`.
///
/// The defaults are those of `transformers` for sampling (top 50, temperature 1), with 100 tokens.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GenerationSettings {
    /// The most tokens that are generated.
    pub max_new_tokens: usize,
    /// A stop mark before this many generated tokens does not end the text.
    pub min_new_tokens: usize,
    /// The next token is drawn; otherwise it is the one with the highest score.
    pub do_sample: bool,
    /// Of sampling: scores are divided by this.
    pub temperature: f64,
    /// Of sampling: only so many of the best tokens; 0: all.
    pub top_k: usize,
    /// Of sampling: only the best tokens that together have this probability.
    pub top_p: f64,
    /// Texts that are followed at the same time; above 1 it is a beam search.
    pub num_beams: usize,
    /// Of beam search: the score of a text is the sum of its logarithmic probabilities, divided by
    /// its length to this power.
    pub length_penalty: f64,
    /// Of beam search: when it ends.
    pub early_stopping: EarlyStopping,
    /// Texts that are given for each prompt.
    pub num_return_sequences: usize,
    /// Makes tokens that were written already less likely; 1 does nothing.
    pub repetition_penalty: f64,
    /// So many tokens in a row never stand twice in the text; 0: they may.
    pub no_repeat_ngram_size: usize,
    /// No token stands again that is among this many last generated ones; 0: it may. `transformers`
    /// has no such rule.
    pub no_repeat_last: usize,
    /// Words, as tokens, that are never written.
    pub bad_words_ids: Vec<Vec<u32>>,
    /// Tokens that are never written, besides the special ones.
    pub suppress_tokens: Vec<u32>,
    /// Marks that end a text. They stand at its end.
    pub stop_strings: Vec<String>,
}

/// When a beam search ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "EarlyStoppingValue", into = "EarlyStoppingValue")]
pub enum EarlyStopping {
    /// When none of the texts that go on would be better than the worst finished one, were it to
    /// end now: `false`.
    #[default]
    Heuristic,
    /// As soon as there are as many finished texts as beams: `true`.
    AtOnce,
    /// When none of the texts that go on can become better than the worst finished one: `"never"`.
    Never,
}

impl Default for GenerationSettings {
    fn default() -> Self {
        Self {
            max_new_tokens: 100,
            min_new_tokens: 0,
            do_sample: true,
            temperature: 1.0,
            top_k: 50,
            top_p: 1.0,
            num_beams: 1,
            length_penalty: 1.0,
            early_stopping: EarlyStopping::default(),
            num_return_sequences: 1,
            repetition_penalty: 1.0,
            no_repeat_ngram_size: 0,
            no_repeat_last: 0,
            bad_words_ids: Vec::new(),
            suppress_tokens: Vec::new(),
            stop_strings: Vec::new(),
        }
    }
}

/// Settings that make no sense, alone or together.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{name}: found {found}, wanted {wanted}")]
pub struct SettingError {
    /// The setting's name.
    pub name: &'static str,
    /// Its value.
    pub found: String,
    /// What it may be.
    pub wanted: String,
}

impl GenerationSettings {
    /// Whether the next token is drawn.
    pub fn samples(&self) -> bool {
        self.do_sample && self.num_beams == 1
    }

    /// Checks that there is a text for these settings.
    ///
    /// # Errors
    /// Names the first setting that makes no sense.
    pub fn check(&self) -> Result<(), SettingError> {
        let positive = |number: f64| number.is_finite() && number > 0.0;
        let checks = [
            (
                self.max_new_tokens > 0,
                "max_new_tokens",
                self.max_new_tokens.to_string(),
                "1 or more".to_owned(),
            ),
            (
                self.min_new_tokens <= self.max_new_tokens,
                "min_new_tokens",
                self.min_new_tokens.to_string(),
                format!("at most max_new_tokens, {}", self.max_new_tokens),
            ),
            (
                positive(self.temperature),
                "temperature",
                self.temperature.to_string(),
                "a number above 0 (the highest score alone is greedy decoding)".into(),
            ),
            (
                self.top_p > 0.0 && self.top_p <= 1.0,
                "top_p",
                self.top_p.to_string(),
                "a number above 0, at most 1".into(),
            ),
            (
                positive(self.repetition_penalty),
                "repetition_penalty",
                self.repetition_penalty.to_string(),
                "a number above 0".into(),
            ),
            (
                self.length_penalty.is_finite(),
                "length_penalty",
                self.length_penalty.to_string(),
                "a number".into(),
            ),
            (
                self.num_beams > 0,
                "num_beams",
                self.num_beams.to_string(),
                "1 or more".into(),
            ),
            (
                !self.do_sample || self.num_beams <= 1,
                "num_beams",
                format!("{} beams and sampling", self.num_beams),
                "one of the two".into(),
            ),
            (
                self.num_return_sequences > 0,
                "num_return_sequences",
                self.num_return_sequences.to_string(),
                "1 or more".into(),
            ),
            (
                self.do_sample || self.num_return_sequences <= self.num_beams,
                "num_return_sequences",
                self.num_return_sequences.to_string(),
                match self.num_beams {
                    0 | 1 => "1: without sampling all are the same".into(),
                    beams => format!("at most num_beams, {beams}"),
                },
            ),
            (
                self.stop_strings.iter().all(|mark| !mark.is_empty()),
                "stop_strings",
                "an empty mark".into(),
                "marks of one character or more".into(),
            ),
        ];
        for (holds, name, found, wanted) in checks {
            if !holds {
                return Err(SettingError {
                    name,
                    found,
                    wanted,
                });
            }
        }
        Ok(())
    }
}

/// `true`, `false` or `"never"`.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum EarlyStoppingValue {
    Flag(bool),
    Word(NeverWord),
}

#[derive(Serialize, Deserialize)]
enum NeverWord {
    #[serde(rename = "never")]
    Never,
}

impl From<EarlyStoppingValue> for EarlyStopping {
    fn from(value: EarlyStoppingValue) -> Self {
        match value {
            EarlyStoppingValue::Flag(true) => Self::AtOnce,
            EarlyStoppingValue::Flag(false) => Self::Heuristic,
            EarlyStoppingValue::Word(NeverWord::Never) => Self::Never,
        }
    }
}

impl From<EarlyStopping> for EarlyStoppingValue {
    fn from(value: EarlyStopping) -> Self {
        match value {
            EarlyStopping::AtOnce => Self::Flag(true),
            EarlyStopping::Heuristic => Self::Flag(false),
            EarlyStopping::Never => Self::Word(NeverWord::Never),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(change: impl FnOnce(&mut GenerationSettings)) -> String {
        let mut settings = GenerationSettings::default();
        change(&mut settings);
        settings.check().unwrap_err().to_string()
    }

    #[test]
    fn what_makes_no_sense_is_named_with_what_was_found_and_wanted() {
        GenerationSettings::default().check().unwrap();
        assert_eq!(
            message(|settings| settings.temperature = 0.0),
            "temperature: found 0, wanted a number above 0 (the highest score alone is greedy decoding)"
        );
        assert_eq!(
            message(|settings| settings.top_p = 1.5),
            "top_p: found 1.5, wanted a number above 0, at most 1"
        );
        assert_eq!(
            message(|settings| settings.min_new_tokens = 200),
            "min_new_tokens: found 200, wanted at most max_new_tokens, 100"
        );
        assert_eq!(
            message(|settings| {
                settings.do_sample = false;
                settings.num_beams = 3;
                settings.num_return_sequences = 4;
            }),
            "num_return_sequences: found 4, wanted at most num_beams, 3"
        );
        assert_eq!(
            message(|settings| {
                settings.do_sample = false;
                settings.num_return_sequences = 2;
            }),
            "num_return_sequences: found 2, wanted 1: without sampling all are the same"
        );
        assert_eq!(
            message(|settings| settings.num_beams = 3),
            "num_beams: found 3 beams and sampling, wanted one of the two"
        );
        assert!(message(|settings| settings.top_p = f64::NAN).starts_with("top_p: found NaN"));
        assert!(
            message(|settings| settings.stop_strings = vec![String::new()])
                .starts_with("stop_strings")
        );
    }
}
