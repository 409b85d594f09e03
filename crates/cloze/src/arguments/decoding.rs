use std::path::Path;

use clap::{Args, Parser, ValueEnum};
use cloze_core::InputError;
use cloze_data::tokenizer::{EncodeOptions, TextInput, Tokenizer};
use cloze_infer::generation::{EarlyStopping, GenerationSettings, SettingError};

use crate::failure::Usage;

/// How the next tokens are chosen. What is not given is as it was saved with the model.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Decoding [default: what was saved with the model, else as stated]")]
pub(crate) struct DecodingArguments {
    /// Write at most N tokens [100]
    #[arg(long, value_name = "N")]
    pub(crate) max_new_tokens: Option<usize>,

    /// Do not end a text at a stop mark before N tokens are written [0]
    #[arg(long, value_name = "N")]
    pub(crate) min_new_tokens: Option<usize>,

    /// Take the likeliest token every time
    #[arg(long, conflicts_with_all = ["temperature", "top_k", "top_p", "beams"])]
    pub(crate) greedy: bool,

    /// Draw tokens with their scores divided by T: below 1 likely tokens become likelier [1]
    #[arg(long, value_name = "T", allow_negative_numbers = true)]
    pub(crate) temperature: Option<f64>,

    /// Draw from the K likeliest tokens; 0: from all [50]
    #[arg(long, value_name = "K")]
    pub(crate) top_k: Option<usize>,

    /// Draw from the likeliest tokens that together have the probability P [1]
    #[arg(long, value_name = "P", allow_negative_numbers = true)]
    pub(crate) top_p: Option<f64>,

    /// Follow the N likeliest texts at the same time: beam search
    #[arg(long, value_name = "N", conflicts_with_all = ["temperature", "top_k", "top_p"])]
    pub(crate) beams: Option<usize>,

    /// Of beam search: divide a text's score by its length to the power X; above 0 long texts gain [1]
    #[arg(long, value_name = "X", allow_negative_numbers = true)]
    pub(crate) length_penalty: Option<f64>,

    /// Of beam search: end as soon as there are enough texts, by a heuristic, or never before none can
    /// become better [false]
    #[arg(long, value_enum, value_name = "WHEN")]
    pub(crate) early_stopping: Option<EarlyStoppingArgument>,

    /// Of beam search: give the N best texts [1]
    #[arg(long, value_name = "N", conflicts_with = "count")]
    pub(crate) best: Option<usize>,

    /// Write N texts for each prompt, side by side, each drawn by itself [1]
    #[arg(long, value_name = "N", conflicts_with_all = ["greedy", "beams"])]
    pub(crate) count: Option<usize>,

    /// Divide the scores of tokens that were written, in the prompt too, by X [1]
    #[arg(long, value_name = "X", allow_negative_numbers = true)]
    pub(crate) repetition_penalty: Option<f64>,

    /// Never repeat one of the last N written tokens; 0: they may be repeated [0]
    #[arg(long, value_name = "N")]
    pub(crate) no_repeat: Option<usize>,

    /// Never write N tokens in a row twice; 0: they may be [0]
    #[arg(long, value_name = "N")]
    pub(crate) no_repeat_ngram: Option<usize>,

    /// Never write this word, nor what begins with its tokens; besides special tokens and saved bans;
    /// may be given several times
    #[arg(long, value_name = "WORD")]
    pub(crate) ban: Vec<String>,

    /// Leave out the banned words that were saved
    #[arg(long)]
    pub(crate) no_ban: bool,

    /// End a text where this stands, instead of at saved marks; may be given several times
    #[arg(long, value_name = "MARK")]
    pub(crate) stop: Vec<String>,

    /// Leave out the stop marks that were saved
    #[arg(long)]
    pub(crate) no_stop: bool,
}

/// When a beam search ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum EarlyStoppingArgument {
    /// As soon as as many texts have ended as there are beams
    True,
    /// When none that goes on would be better, were it to end now
    False,
    /// When none that goes on can become better
    Never,
}

impl From<EarlyStoppingArgument> for EarlyStopping {
    fn from(argument: EarlyStoppingArgument) -> Self {
        match argument {
            EarlyStoppingArgument::True => Self::AtOnce,
            EarlyStoppingArgument::False => Self::Heuristic,
            EarlyStoppingArgument::Never => Self::Never,
        }
    }
}

/// `/set NAME VALUE` of an interactive session: the same names.
#[derive(Debug, Parser)]
#[command(name = "/set", no_binary_name = true, disable_help_flag = true)]
pub(crate) struct SetLine {
    #[command(flatten)]
    pub(crate) decoding: DecodingArguments,

    /// Begin again with this seed
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,
}

impl DecodingArguments {
    /// The saved settings with what was given in their place. Whether they make sense is for
    /// [`check`](Self::check).
    pub(crate) fn apply(
        &self,
        saved: &GenerationSettings,
        tokenizer: &Tokenizer,
    ) -> Result<GenerationSettings, Usage> {
        let mut settings = saved.clone();
        self.choose(&mut settings)?;
        let set = |setting: &mut usize, value: Option<usize>| {
            if let Some(value) = value {
                *setting = value;
            }
        };
        set(&mut settings.max_new_tokens, self.max_new_tokens);
        set(&mut settings.min_new_tokens, self.min_new_tokens);
        set(&mut settings.no_repeat_last, self.no_repeat);
        set(&mut settings.no_repeat_ngram_size, self.no_repeat_ngram);
        if let Some(penalty) = self.repetition_penalty {
            settings.repetition_penalty = penalty;
        }
        if self.no_stop || !self.stop.is_empty() {
            settings.stop_strings.clone_from(&self.stop);
        }
        if self.no_ban {
            settings.bad_words_ids.clear();
        }
        for word in &self.ban {
            settings
                .bad_words_ids
                .extend(ways_to_write(word, tokenizer)?);
        }
        remove_repeated(&mut settings.bad_words_ids);
        remove_repeated(&mut settings.stop_strings);
        Ok(settings)
    }

    /// Checks settings that these were applied to. What was not given comes from the file that they are
    /// `saved` in; the error then names its field.
    pub(crate) fn check(
        &self,
        settings: &GenerationSettings,
        saved: Option<&Path>,
    ) -> anyhow::Result<()> {
        let Err(mut error) = settings.check() else {
            return Ok(());
        };
        match saved.filter(|_| !self.gives(error.name)) {
            Some(file) => {
                for name in ["max_new_tokens", "num_beams"] {
                    if self.gives(name) {
                        error.wanted = error.wanted.replace(name, &self.flag(name));
                    }
                }
                let of_field = InputError::new(file, error.found, error.wanted);
                Err(of_field.in_field(error.name).into())
            }
            None => Err(self.of_flag(error).into()),
        }
    }

    /// Whether an option gives this setting, among those that may be wrong.
    fn gives(&self, name: &str) -> bool {
        match name {
            "max_new_tokens" => self.max_new_tokens.is_some(),
            "min_new_tokens" => self.min_new_tokens.is_some(),
            "temperature" => self.temperature.is_some(),
            "top_p" => self.top_p.is_some(),
            "num_beams" => self.beams.is_some(),
            "length_penalty" => self.length_penalty.is_some(),
            "num_return_sequences" => self.best.or(self.count).is_some(),
            "repetition_penalty" => self.repetition_penalty.is_some(),
            "stop_strings" => !self.stop.is_empty(),
            _ => false,
        }
    }

    /// Greedy, drawn, or beam search.
    fn choose(&self, settings: &mut GenerationSettings) -> Result<(), Usage> {
        let draws = self.temperature.is_some() || self.top_k.is_some() || self.top_p.is_some();
        if self.greedy {
            (settings.do_sample, settings.num_beams) = (false, 1);
            settings.num_return_sequences = 1;
        } else if let Some(beams) = self.beams {
            (settings.do_sample, settings.num_beams) = (false, beams);
            settings.num_return_sequences = 1;
        } else if draws || self.count.is_some_and(|count| count > 1) {
            if settings.num_beams > 1 {
                // That many were the best of a search.
                settings.num_return_sequences = 1;
            }
            (settings.do_sample, settings.num_beams) = (true, 1);
        }
        settings.temperature = self.temperature.unwrap_or(settings.temperature);
        settings.top_k = self.top_k.unwrap_or(settings.top_k);
        settings.top_p = self.top_p.unwrap_or(settings.top_p);
        let of_beams = [
            ("--best", self.best.is_some()),
            ("--length-penalty", self.length_penalty.is_some()),
            ("--early-stopping", self.early_stopping.is_some()),
        ];
        let misplaced = of_beams
            .iter()
            .find(|(_, given)| *given && settings.num_beams == 1);
        if let Some((flag, _)) = misplaced {
            let found = match self.beams {
                Some(beams) => format!("--beams {beams}"),
                None => "no --beams".into(),
            };
            return Err(Usage::new(format!(
                "{flag} is for beam search: found {found}, wanted --beams 2 or more"
            )));
        }
        settings.length_penalty = self.length_penalty.unwrap_or(settings.length_penalty);
        if let Some(when) = self.early_stopping {
            settings.early_stopping = when.into();
        }
        if let Some(texts) = self.best.or(self.count) {
            settings.num_return_sequences = texts;
        }
        Ok(())
    }

    /// The error with the name that the setting has here.
    fn of_flag(&self, error: SettingError) -> Usage {
        let flag = self.flag(error.name);
        let wanted = error.wanted.replace("max_new_tokens", "--max-new-tokens");
        let wanted = wanted.replace("num_beams", "--beams");
        Usage::new(format!("{flag}: found {}, wanted {wanted}", error.found))
    }

    fn flag(&self, name: &str) -> String {
        match name {
            "num_beams" => "--beams".into(),
            "num_return_sequences" if self.best.is_some() => "--best".into(),
            "num_return_sequences" => "--count".into(),
            "stop_strings" => "--stop".into(),
            name => format!("--{}", name.replace('_', "-")),
        }
    }
}

/// Keeps the first of equal ones.
fn remove_repeated<T: PartialEq>(list: &mut Vec<T>) {
    for item in std::mem::take(list) {
        if !list.contains(&item) {
            list.push(item);
        }
    }
}

/// The tokens of a word by itself, and within a text where that makes a difference.
fn ways_to_write(word: &str, tokenizer: &Tokenizer) -> Result<Vec<Vec<u32>>, Usage> {
    let options = EncodeOptions {
        add_special_tokens: false,
        alignment: false,
        ..EncodeOptions::default()
    };
    let mut ways: Vec<Vec<u32>> = Vec::new();
    for text in [word.to_owned(), format!(" {word}")] {
        let encoding = tokenizer.encode(&TextInput::Single(&text), &options);
        let ids = encoding.map_err(Usage::from)?.ids;
        if ids.is_empty() || ids.contains(&tokenizer.special().unk.id) {
            return Err(Usage::new(format!(
                "--ban: found {word:?}, which the model's vocabulary has no tokens for, wanted a word that \
                 it can write"
            )));
        }
        if !ways.contains(&ids) {
            ways.push(ids);
        }
    }
    Ok(ways)
}
