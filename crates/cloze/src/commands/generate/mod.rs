//! `cloze generate MODEL`: prompts → continuations, as they are written.

mod interactive;
mod printing;
mod shown_settings;

use std::ops::ControlFlow;

use anyhow::Context;
use cloze_data::readers::LabelledText;
use cloze_infer::generation::{GenerationSettings, Prompt, TextGenerationPipeline};
use cloze_infer::{InferError, rows};

use super::predict::{Predictor, stream};
use crate::arguments::generate::GenerateArguments;
use crate::arguments::predict::Input;
use crate::failure::hint;
use crate::models::Models;
use crate::terminal::note;
use interactive::Session;
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
    let settings = arguments
        .decoding
        .apply(model.saved_settings(), model.tokenizer())?;
    let seed = arguments.seed_or_clock();
    if arguments.save_settings {
        let path = settings.save(&folder).context("cannot save the settings")?;
        note(format_args!("settings saved in {}", path.display()));
    }
    if arguments.verbose {
        shown_settings::show(&model, &settings, seed)?;
    }
    if arguments.interactive {
        return Session::new(model, settings, seed)?.run(&arguments.prompts);
    }
    let mut generating = Generating {
        printer: Printer::new(arguments.json, settings.num_return_sequences),
        batch: (arguments.batch_size.get() / settings.num_return_sequences).max(1),
        model,
        settings,
        seed,
    };
    match input {
        Input::Texts(texts) => {
            generating.window(&texts)?;
            generating.finish()
        }
        // Only the settings were to be saved.
        Input::Stream(_) if arguments.save_settings && arguments.file.is_none() => Ok(()),
        Input::Stream(input) => {
            let rows = rows::open(&input.source, input.format)?;
            stream(rows, &input, arguments.batch_size, &mut generating)
        }
    }
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

/// Prompts in groups, whose texts are written side by side.
struct Generating {
    model: TextGenerationPipeline,
    settings: GenerationSettings,
    seed: u64,
    printer: Printer,
    /// Prompts that are continued together.
    batch: usize,
}

impl Predictor for Generating {
    fn window(&mut self, texts: &[LabelledText]) -> anyhow::Result<()> {
        for texts in texts.chunks(self.batch) {
            let prompts = texts
                .iter()
                .map(|text| Ok(self.model.prompt(&text.text)?))
                .collect::<anyhow::Result<Vec<Prompt>>>()?;
            self.printer.begin(texts);
            let printer = &mut self.printer;
            let mut printed = Ok(());
            let progress = |written: &mut [_]| {
                printed = printer.show(written);
                match printed {
                    Ok(()) => ControlFlow::Continue(()),
                    Err(_) => ControlFlow::Break(()),
                }
            };
            self.model
                .generate(&prompts, &self.settings, self.seed, progress)?;
            printed?;
        }
        Ok(())
    }

    fn finish(&mut self) -> anyhow::Result<()> {
        Ok(())
    }
}
