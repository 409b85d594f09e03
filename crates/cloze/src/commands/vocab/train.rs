use cloze_data::tokenizer::{VocabTraining, WordPieceOptions, train_wordpiece};

use crate::arguments::vocab::VocabTrainArguments;
use crate::new_folder::NewFolder;
use crate::terminal::{Results, counted};

/// `cloze vocab train FILES… --size N --output DIR`
pub(crate) fn run(arguments: &VocabTrainArguments) -> anyhow::Result<()> {
    let output = NewFolder::create(&arguments.output)?;
    let training = VocabTraining {
        size: arguments.size,
        min_frequency: arguments.min_frequency,
        options: WordPieceOptions {
            lowercase: !arguments.cased,
            chinese_chars: !arguments.join_chinese,
            model_max_length: Some(arguments.max_length),
            ..WordPieceOptions::default()
        },
        ..VocabTraining::default()
    };
    let tokenizer = train_wordpiece(&arguments.files, &training)?;
    tokenizer.save(output.path())?;
    output.commit()?;
    let mut results = Results::stdout();
    results.line(format_args!(
        "{} in {}",
        counted(tokenizer.len(), "token"),
        arguments.output.display()
    ))?;
    results.flush()
}
