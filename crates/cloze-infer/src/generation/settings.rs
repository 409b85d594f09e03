use std::ops::RangeInclusive;

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

    /// The most beams of a beam search.
    pub const MOST_BEAMS: usize = 1000;
    /// The most texts for a prompt.
    pub const MOST_TEXTS: usize = 100_000;

    /// Checks that there is a text for these settings. What has no say is not looked at, such as the
    /// temperature where nothing is drawn.
    ///
    /// # Errors
    /// Names the first setting that makes no sense.
    pub fn check(&self) -> Result<(), SettingError> {
        self.check_length()?;
        self.check_scores()?;
        self.check_texts()
    }

    fn check_length(&self) -> Result<(), SettingError> {
        let most = self.max_new_tokens;
        ensure(most > 0, "max_new_tokens", most, "1 or more")?;
        ensure(
            self.min_new_tokens <= most,
            "min_new_tokens",
            self.min_new_tokens,
            format!("at most max_new_tokens, {most}"),
        )?;
        ensure(
            self.stop_strings.iter().all(|mark| !mark.is_empty()),
            "stop_strings",
            "an empty mark",
            "marks of one character or more",
        )
    }

    fn check_scores(&self) -> Result<(), SettingError> {
        ensure(
            !self.samples() || is_within(self.temperature, &SCALES),
            "temperature",
            shown(self.temperature),
            "a number from 0.000001 to 1,000,000 (the highest score alone is greedy decoding)",
        )?;
        ensure(
            !self.samples() || is_within(self.top_p, &PROBABILITIES),
            "top_p",
            shown(self.top_p),
            "a number from 0.000001 to 1",
        )?;
        ensure(
            is_within(self.repetition_penalty, &SCALES),
            "repetition_penalty",
            shown(self.repetition_penalty),
            "a number from 0.000001 to 1,000,000",
        )?;
        ensure(
            self.num_beams <= 1 || is_within(self.length_penalty, &POWERS),
            "length_penalty",
            shown(self.length_penalty),
            "a number from -10 to 10",
        )
    }

    fn check_texts(&self) -> Result<(), SettingError> {
        let (beams, texts) = (self.num_beams, self.num_return_sequences);
        ensure(beams > 0, "num_beams", beams, "1 or more")?;
        ensure(
            beams <= Self::MOST_BEAMS,
            "num_beams",
            beams,
            "at most 1,000",
        )?;
        ensure(
            !self.do_sample || beams == 1,
            "num_beams",
            format!("{beams} beams and sampling"),
            "one of the two",
        )?;
        let name = "num_return_sequences";
        ensure(texts > 0, name, texts, "1 or more")?;
        ensure(texts <= Self::MOST_TEXTS, name, texts, "at most 100,000")?;
        ensure(
            self.do_sample || texts <= beams,
            name,
            texts,
            match beams {
                1 => "1: without sampling all are the same".to_owned(),
                beams => format!("at most num_beams, {beams}"),
            },
        )
    }
}

/// What scores are divided by or multiplied with. They are of 32 bits: so is what counts of a setting,
/// which else might be 0 or infinite there.
const SCALES: RangeInclusive<f32> = 1e-6..=1e6;
const PROBABILITIES: RangeInclusive<f32> = 1e-6..=1.0;
/// The power of a length that a score is divided by.
const POWERS: RangeInclusive<f32> = -10.0..=10.0;

fn is_within(number: f64, range: &RangeInclusive<f32>) -> bool {
    range.contains(&(number as f32))
}

/// A number without a row of zeros.
fn shown(number: f64) -> String {
    match number == 0.0 || (1e-6..1e15).contains(&number.abs()) {
        true => number.to_string(),
        false => format!("{number:?}"),
    }
}

fn ensure(
    holds: bool,
    name: &'static str,
    found: impl ToString,
    wanted: impl Into<String>,
) -> Result<(), SettingError> {
    match holds {
        true => Ok(()),
        false => Err(SettingError {
            name,
            found: found.to_string(),
            wanted: wanted.into(),
        }),
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
            "temperature: found 0, wanted a number from 0.000001 to 1,000,000 (the highest score alone is \
             greedy decoding)"
        );
        assert_eq!(
            message(|settings| settings.top_p = 1.5),
            "top_p: found 1.5, wanted a number from 0.000001 to 1"
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

    /// Scores have 32 bits: a number that is 0 or infinite there would make garbage of them.
    #[test]
    fn the_numbers_that_count_are_those_of_32_bits() {
        for temperature in [1e-50, 1e-7, 1e39, f64::INFINITY, -1.0] {
            let error = message(|settings| settings.temperature = temperature);
            assert!(error.starts_with("temperature: found "), "{error}");
            let error = message(|settings| settings.repetition_penalty = temperature);
            assert!(error.starts_with("repetition_penalty: found "), "{error}");
        }
        assert!(message(|settings| settings.temperature = 1e-50).contains("found 1e-50, wanted"));
        assert!(message(|settings| settings.top_p = 1e-46).starts_with("top_p: found 1e-46"));
        for temperature in [1e-6, 1e6] {
            let settings = GenerationSettings {
                temperature,
                top_p: 1e-6,
                repetition_penalty: temperature,
                ..GenerationSettings::default()
            };
            settings.check().unwrap();
        }
    }

    #[test]
    fn there_are_limits_to_beams_texts_and_powers_of_lengths() {
        let beams = |num_beams| GenerationSettings {
            do_sample: false,
            num_beams,
            ..GenerationSettings::default()
        };
        beams(1000).check().unwrap();
        assert_eq!(
            beams(1001).check().unwrap_err().to_string(),
            "num_beams: found 1001, wanted at most 1,000"
        );
        let steep = GenerationSettings {
            length_penalty: 1e3,
            ..beams(2)
        };
        assert_eq!(
            steep.check().unwrap_err().to_string(),
            "length_penalty: found 1000, wanted a number from -10 to 10"
        );
        assert_eq!(
            message(|settings| settings.num_return_sequences = usize::MAX),
            format!(
                "num_return_sequences: found {}, wanted at most 100,000",
                usize::MAX
            )
        );
    }

    #[test]
    fn what_has_no_say_is_not_looked_at() {
        let greedy = GenerationSettings {
            do_sample: false,
            temperature: 0.0,
            top_p: 0.0,
            length_penalty: 1e3,
            ..GenerationSettings::default()
        };
        greedy.check().unwrap();
    }
}
