use cloze_infer::generation::{EarlyStopping, GenerationSettings, TextGenerationPipeline};

use crate::terminal::{counted, note};

/// Says on standard error how texts are continued: the rules in the order in which they are applied.
pub(super) fn show(
    model: &TextGenerationPipeline,
    settings: &GenerationSettings,
    seed: u64,
) -> anyhow::Result<()> {
    let chain = model.chain(settings)?;
    note(format_args!(
        "{}: reads the last {} of a text",
        model.folder().display(),
        counted(model.context(), "token")
    ));
    for (index, rule) in chain.describe().iter().enumerate() {
        note(format_args!("  {}. {rule}", index + 1));
    }
    note(format_args!("  then {}", choice(settings, seed)));
    note(format_args!("  until {}", end(settings)));
    Ok(())
}

fn choice(settings: &GenerationSettings, seed: u64) -> String {
    let count = settings.num_return_sequences;
    if settings.samples() {
        let several = match count {
            1 => String::new(),
            count => format!(", {} for each prompt", counted(count, "text")),
        };
        return format!("a token is drawn, seed {seed}{several}");
    }
    if settings.num_beams == 1 {
        return "the token with the highest score is taken".into();
    }
    let stopping = match settings.early_stopping {
        EarlyStopping::AtOnce => "true",
        EarlyStopping::Heuristic => "false",
        EarlyStopping::Never => "never",
    };
    format!(
        "beam search: {} beams, length penalty {}, early stopping {stopping}, the best {}",
        settings.num_beams,
        settings.length_penalty,
        counted(count, "text")
    )
}

fn end(settings: &GenerationSettings) -> String {
    let length = counted(settings.max_new_tokens, "token");
    if settings.stop_strings.is_empty() {
        return length;
    }
    let marks: Vec<String> = settings
        .stop_strings
        .iter()
        .map(|mark| format!("{mark:?}"))
        .collect();
    let least = match settings.min_new_tokens {
        0 => String::new(),
        least => format!(" behind the first {}", counted(least, "token")),
    };
    format!("{}{least}, or {length}", marks.join(" or "))
}
