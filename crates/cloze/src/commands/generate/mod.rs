//! `cloze generate MODEL`: prompts → continuations, as they are written.

mod interactive;
mod printing;
mod shown_settings;

use std::io::{self, IsTerminal};
use std::num::NonZeroUsize;
use std::ops::ControlFlow;

use anyhow::Context;
use cloze_data::readers::LabelledText;
use cloze_infer::generation::{
    GENERATION_CONFIG, GenerationSettings, Prompt, TextGenerationPipeline,
};
use cloze_infer::{InferError, rows};

use super::predict::{Predictor, stream};
use crate::arguments::generate::GenerateArguments;
use crate::arguments::predict::Input;
use crate::failure::{Usage, hint};
use crate::models::Models;
use crate::terminal::note;
use interactive::{Session, one_text};
use printing::Printer;

/// `cloze generate MODEL`
pub(crate) fn run(arguments: &GenerateArguments, models: &Models) -> anyhow::Result<()> {
    let input = arguments.input()?;
    let device = arguments.device.open()?;
    let folder = models.folder(&arguments.model)?;
    let mut model = TextGenerationPipeline::open(&folder, device.device()).map_err(advise)?;
    if arguments.keep_case {
        model = model.keep_case();
    }
    if let Input::Texts(texts) = &input {
        check_prompts(texts, &model)?;
    }
    let decoding = &arguments.decoding;
    let given = decoding.apply(model.saved_settings(), model.tokenizer())?;
    let settings = match arguments.interactive {
        true => one_text(given.clone()),
        false => given.clone(),
    };
    decoding.check(&settings, Some(&folder.join(GENERATION_CONFIG)))?;
    let seed = arguments.seed_or_clock();
    if arguments.save_settings {
        let path = given.save(&folder).context("cannot save the settings")?;
        note(format_args!("settings saved in {}", path.display()));
    }
    if arguments.verbose {
        shown_settings::show(&model, &settings, seed)?;
    }
    if arguments.interactive {
        return Session::new(model, settings, seed)?.run(&arguments.prompts);
    }
    let mut generating = Generating {
        printer: Printer::new(arguments.json, settings.num_return_sequences > 1),
        batch_size: arguments.batch_size,
        model,
        settings,
        seed,
    };
    match input {
        Input::Texts(texts) => {
            generating.window(&texts)?;
            generating.finish()
        }
        // Only the settings were to be saved: nobody means to type prompts.
        Input::Stream(_)
            if arguments.save_settings && arguments.file.is_none() && io::stdin().is_terminal() =>
        {
            Ok(())
        }
        Input::Stream(input) => {
            let rows = rows::open(&input.source, input.format)?;
            stream(rows, &input, arguments.batch_size, &mut generating)
        }
    }
}

/// Prompts of the command line are all looked at before the first is continued.
fn check_prompts(texts: &[LabelledText], model: &TextGenerationPipeline) -> Result<(), Usage> {
    match texts.iter().position(|text| has_no_token(model, text)) {
        Some(bad) => Err(Usage::new(format!(
            "--prompt, number {}: found {NO_TOKEN}, wanted {SOME_TOKEN}",
            bad + 1
        ))),
        None => Ok(()),
    }
}

const NO_TOKEN: &str = "a text without a token";
const SOME_TOKEN: &str = "a text of one token or more";

/// As one of control characters alone, which tokenizers leave out.
fn has_no_token(model: &TextGenerationPipeline, text: &LabelledText) -> bool {
    matches!(model.prompt(&text.text), Err(InferError::EmptyPrompt))
}

/// Says what to do about a model that does not continue texts.
fn advise(error: InferError) -> anyhow::Error {
    match &error {
        InferError::NotAGenerationModel { .. } => hint(
            error,
            "a masked language model does, and what `cloze train` makes of an encoder with \
             `task = \"continuation\"`",
        ),
        _ => error.into(),
    }
}

/// Prompts, whose texts are written side by side.
struct Generating {
    model: TextGenerationPipeline,
    settings: GenerationSettings,
    seed: u64,
    printer: Printer,
    /// Texts that are written at the same time.
    batch_size: NonZeroUsize,
}

impl Predictor for Generating {
    fn window(&mut self, texts: &[LabelledText]) -> anyhow::Result<()> {
        let prompts = texts
            .iter()
            .map(|text| Ok(self.model.prompt(&text.text)?))
            .collect::<anyhow::Result<Vec<Prompt>>>()?;
        let printer = &mut self.printer;
        let mut printed = Ok(());
        self.model.generate_in_groups(
            &prompts,
            &self.settings,
            self.seed,
            self.batch_size,
            |places, written| {
                printed = printer.show(texts, places, written);
                match printed {
                    Ok(()) => ControlFlow::Continue(()),
                    Err(_) => ControlFlow::Break(()),
                }
            },
        )?;
        printed
    }

    fn fault(&self, text: &LabelledText) -> Option<(&'static str, &'static str)> {
        has_no_token(&self.model, text).then_some((NO_TOKEN, SOME_TOKEN))
    }

    fn finish(&mut self) -> anyhow::Result<()> {
        Ok(())
    }
}
