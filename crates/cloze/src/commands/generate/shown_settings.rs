use cloze_infer::generation::{EarlyStopping, GenerationSettings, TextGenerationPipeline};

use crate::terminal::{Thousands, counted, note};

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
    note(format_args!("  a text ends {}", end(settings)));
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
    let best = match count {
        1 => "the best text is given".into(),
        count => format!("the best {} are given", counted(count, "text")),
    };
    format!(
        "the {} with the highest scores go on (beam search), length penalty {}, early stopping \
         {stopping}; {best}",
        counted(settings.num_beams, "text"),
        settings.length_penalty,
    )
}

fn end(settings: &GenerationSettings) -> String {
    let length = format!("after {}", counted(settings.max_new_tokens, "token"));
    if settings.stop_strings.is_empty() {
        return length;
    }
    let marks: Vec<String> = settings
        .stop_strings
        .iter()
        .map(|mark| format!("{mark:?}"))
        .collect();
    let least = match settings.min_new_tokens {
        0 | 1 => String::new(),
        least => format!(" from token {} on", Thousands(least)),
    };
    format!("at {}{least}, or {length}", marks.join(" or "))
}
