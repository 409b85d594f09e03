use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use clap::Args;
use cloze_data::readers::{Format, TextColumns};
use cloze_infer::rows::Source;

use super::decoding::DecodingArguments;
use super::device::DeviceArguments;
use super::predict::{Input, StreamInput, texts};
use super::table::{BadRowsArgument, format_parser};
use crate::failure::Usage;

/// Continue texts: prompts of the command line, of a file, of standard input, or line by line
#[derive(Debug, Args)]
#[command(after_help = "\
Examples: a continuation, three of them, the best two of a beam search
  cloze generate runs/novel --prompt \"Call me Ishmael.\"
  cloze generate runs/novel --prompt \"今天，\" --count 3 --top-k 10 --no-repeat 30 --stop 。 --seed 7
  cloze generate runs/novel --prompt \"The whale\" --beams 5 --best 2 --max-new-tokens 30 --json
Write together: a line is continued, an empty one goes on, /help lists the commands
  cloze generate runs/novel --interactive
Keep settings with the model, in its generation_config.json
  cloze generate runs/novel --temperature 0.8 --top-p 0.9 --save-settings

MODEL is a continuation model, or a masked language model, which fills masks at the end of the text.
Text appears as it is written; what stands there never changes. With --json each prompt gives one line,
{\"generated_text\": …, \"continuation\": …, \"tokens\": …, \"finish\": \"length\" or \"stop\"}, with a `score` by
beam search and the row's `id` first where there is one; a list of these where there are several texts.
The same seed gives the same text again.")]
pub(crate) struct GenerateArguments {
    /// Folder, run folder or Hub name of a model
    pub(crate) model: String,

    /// The text to go on from; may be given several times [default: one a line from --file or standard
    /// input]
    #[arg(long = "prompt", value_name = "TEXT", conflicts_with = "file")]
    pub(crate) prompts: Vec<String>,

    /// Read prompts from a file: csv, tsv, json, jsonl, parquet, or plain text, one a line; `-` is
    /// standard input
    #[arg(long, value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,

    /// Column or key of the prompt [default: text, … as found]
    #[arg(long, value_name = "COL")]
    pub(crate) text: Option<String>,

    /// Format of the input [default: by the name of the file; plain text on standard input]
    #[arg(long, value_name = "FORMAT", value_parser = format_parser())]
    pub(crate) format: Option<&'static Format>,

    /// What a row without a usable text does
    #[arg(long, value_enum, value_name = "WHAT", default_value_t)]
    pub(crate) bad_rows: BadRowsArgument,

    /// Read a prompt, continue it, go on from there
    #[arg(long, conflicts_with_all = ["file", "json", "count", "best"])]
    pub(crate) interactive: bool,

    /// Draw with this seed [default: another one every time; --verbose shows it]
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,

    /// Leave letters as a vocabulary without capital letters has them
    #[arg(long)]
    pub(crate) keep_case: bool,

    /// Texts that are written at the same time
    #[arg(long, value_name = "N", default_value = "8")]
    pub(crate) batch_size: NonZeroUsize,

    /// Keep the settings with the model: they are its defaults from now on
    #[arg(long)]
    pub(crate) save_settings: bool,

    /// Show the settings, and the rules in the order in which they are applied
    #[arg(long)]
    pub(crate) verbose: bool,

    /// Print one line of JSON a prompt
    #[arg(long)]
    pub(crate) json: bool,

    #[command(flatten)]
    pub(crate) device: DeviceArguments,

    #[command(flatten)]
    pub(crate) decoding: DecodingArguments,
}

impl GenerateArguments {
    /// Where prompts come from.
    pub(crate) fn input(&self) -> Result<Input, Usage> {
        if !self.prompts.is_empty() {
            if let Some(empty) = self.prompts.iter().position(|text| text.trim().is_empty()) {
                return Err(Usage::new(format!(
                    "--prompt, number {}: found an empty text, wanted a text",
                    empty + 1
                )));
            }
            return Ok(Input::Texts(texts(self.prompts.clone(), None)?));
        }
        Ok(Input::Stream(StreamInput {
            source: match &self.file {
                Some(path) if path != Path::new("-") => Source::File(path.clone()),
                _ => Source::StandardInput,
            },
            format: self.format,
            columns: TextColumns {
                text: self.text.clone(),
                text_pair: None,
                label: None,
                id: None,
            },
            pair: None,
            bad_rows: self.bad_rows.into(),
        }))
    }

    /// The seed that was given, or one that the clock gives.
    pub(crate) fn seed_or_clock(&self) -> u64 {
        let clock = || {
            let now = SystemTime::now().duration_since(UNIX_EPOCH);
            // Short enough to be typed again.
            now.map_or(0, |now| u64::from(now.subsec_micros()))
        };
        self.seed.unwrap_or_else(clock)
    }
}
