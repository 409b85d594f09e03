use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::num::NonZeroUsize;
use std::path::Path;

use cloze_data::tokenizer::{
    Encoding, LongTexts, Padding, TextInput, TextLines, Tokenizer, TokenizerError,
};
use cloze_infer::rows::STANDARD_INPUT;
use cloze_infer::{Arrival, Windows};
use serde::Serialize;

use crate::arguments::tokenize::{
    LinesInput, ShowArgument, TokenizeArguments, TokenizeSettings, What,
};
use crate::models::Models;
use crate::tables::TextTable;
use crate::terminal::{Results, warn};

/// Lines that are read ahead and shared among the cores.
const LINES_PER_WINDOW: NonZeroUsize = NonZeroUsize::new(4096).expect("4096 is not zero");

/// `cloze tokenize MODEL TEXT [PAIR]`
pub(crate) fn run(arguments: TokenizeArguments, models: &Models) -> anyhow::Result<()> {
    let (model, settings) = arguments.settings()?;
    let tokenizer = Tokenizer::from_folder(&models.folder(&model)?)?;
    if let What::Ids(ids, options) = &settings.what {
        // An id that is not in the vocabulary is an error, not a gap in the text.
        tokenizer.tokens(ids)?;
        let mut results = Results::stdout();
        results.line(tokenizer.decode(ids, options)?)?;
        return results.flush();
    }
    let limit = settings.encode.max_length.or(tokenizer.model_max_length());
    let mut printer = Printer {
        long: LongTexts::new(limit.unwrap_or(usize::MAX)),
        tokenizer,
        settings,
        results: Results::stdout(),
    };
    match &printer.settings.what {
        What::Text(first, second) => {
            let line = Line {
                first: first.clone(),
                second: second.clone(),
            };
            printer.window(&[line])?;
        }
        What::Lines(input) => {
            let input = input.clone();
            printer.lines(&input)?;
        }
        What::Ids(..) => {}
    }
    if printer.long.any() {
        warn(&printer.long);
    }
    Ok(())
}

/// What is encoded at once.
struct Line {
    first: String,
    second: Option<String>,
}

struct Printer {
    tokenizer: Tokenizer,
    settings: TokenizeSettings,
    results: Results,
    long: LongTexts,
}

impl Printer {
    fn lines(&mut self, input: &LinesInput) -> anyhow::Result<()> {
        let (path, arrival, reader): (_, _, Box<dyn BufRead + Send>) = match &input.file {
            Some(path) => {
                let file = File::open(path).map_err(|source| TokenizerError::Read {
                    path: path.clone(),
                    source,
                })?;
                let reader = BufReader::with_capacity(1 << 16, file);
                (path.as_path(), Arrival::Full, Box::new(reader))
            }
            None => {
                let reader = Box::new(BufReader::new(io::stdin()));
                (Path::new(STANDARD_INPUT), Arrival::Immediate, reader)
            }
        };
        let lines = TextLines::new(path, reader);
        if self.settings.encode.padding == Padding::Longest {
            let lines: Vec<_> = lines.collect::<Result<_, _>>()?;
            return self.window(&pairs(lines, input.shared.as_deref()));
        }
        for window in Windows::read(LINES_PER_WINDOW, arrival, lines) {
            let mut bad = None;
            let good = window
                .into_iter()
                .map_while(|line| line.map_err(|error| bad = Some(error)).ok());
            let lines = pairs(good.collect(), input.shared.as_deref());
            self.window(&lines)?;
            if let Some(error) = bad {
                return Err(error.into());
            }
        }
        Ok(())
    }

    fn window(&mut self, lines: &[Line]) -> anyhow::Result<()> {
        let words: Vec<Words<'_>> = match self.settings.words {
            true => lines.iter().map(Words::of).collect(),
            false => Vec::new(),
        };
        let inputs: Vec<TextInput<'_>> = match self.settings.words {
            true => words.iter().map(Words::input).collect(),
            false => lines.iter().map(Line::input).collect(),
        };
        let before = self.long.texts;
        let encodings = self.tokenizer.encode_batch(&inputs, &self.settings.encode);
        for encoding in encodings.map_err(|error| name_line(error, before, lines.len()))? {
            self.long.see(encoding.untruncated_length);
            self.print(&encoding)?;
        }
        self.results.flush()
    }

    fn print(&mut self, encoding: &Encoding) -> anyhow::Result<()> {
        if self.settings.json {
            return self.results.json(&WithLength {
                encoding,
                length: encoding.length(),
            });
        }
        self.print_one(encoding)?;
        for window in &encoding.overflowing {
            self.print_one(window)?;
        }
        Ok(())
    }

    fn print_one(&mut self, encoding: &Encoding) -> anyhow::Result<()> {
        match self.settings.show {
            ShowArgument::Tokens => self.results.line(encoding.tokens.join(" ")),
            ShowArgument::Ids => {
                let ids: Vec<String> = encoding.ids.iter().map(u32::to_string).collect();
                self.results.line(ids.join(" "))
            }
            ShowArgument::Table => self.table(encoding),
        }
    }

    fn table(&mut self, encoding: &Encoding) -> anyhow::Result<()> {
        let mut table = TextTable::new(&[
            "#position",
            "token",
            "#id",
            "#type",
            "#mask",
            "#word",
            "#characters",
        ]);
        for (position, token) in encoding.tokens.iter().enumerate() {
            let (start, end) = encoding.offsets[position];
            let special = encoding.special_tokens_mask[position] == 1;
            table.row([
                position.to_string(),
                token.clone(),
                encoding.ids[position].to_string(),
                encoding.type_ids[position].to_string(),
                encoding.attention_mask[position].to_string(),
                encoding.word_ids[position].map_or_else(String::new, |word| word.to_string()),
                if special {
                    String::new()
                } else {
                    format!("{start}–{end}")
                },
            ]);
        }
        table.print(&mut self.results)
    }
}

/// Lines of a file as texts or pairs: a tab separates the two, or the first text is shared.
fn pairs(lines: Vec<String>, shared: Option<&str>) -> Vec<Line> {
    let line = |line: String| match (shared, line.split_once('\t')) {
        (Some(shared), _) => Line {
            first: shared.into(),
            second: Some(line),
        },
        (None, Some((first, second))) => Line {
            first: first.into(),
            second: Some(second.into()),
        },
        (None, None) => Line {
            first: line,
            second: None,
        },
    };
    lines.into_iter().map(line).collect()
}

impl Line {
    fn input(&self) -> TextInput<'_> {
        match &self.second {
            Some(second) => TextInput::Pair(&self.first, second),
            None => TextInput::Single(&self.first),
        }
    }
}

/// A line as words.
struct Words<'a> {
    first: Vec<&'a str>,
    second: Option<Vec<&'a str>>,
}

impl<'a> Words<'a> {
    fn of(line: &'a Line) -> Self {
        Self {
            first: line.first.split_whitespace().collect(),
            second: line
                .second
                .as_ref()
                .map(|text| text.split_whitespace().collect()),
        }
    }

    fn input(&self) -> TextInput<'_> {
        match &self.second {
            Some(second) => TextInput::WordsPair(&self.first, second),
            None => TextInput::Words(&self.first),
        }
    }
}

/// Counts from the beginning of the input, and not at all where there is one text only.
fn name_line(error: TokenizerError, before: usize, lines: usize) -> anyhow::Error {
    match error {
        TokenizerError::InBatch { source, .. } if before == 0 && lines == 1 => (*source).into(),
        TokenizerError::InBatch { number, source } => {
            anyhow::Error::from(*source).context(format!("text {}", before + number))
        }
        other => other.into(),
    }
}

/// The fields of a `transformers` tokenizer, and the number of tokens without padding.
#[derive(Serialize)]
struct WithLength<'a> {
    #[serde(flatten)]
    encoding: &'a Encoding,
    length: usize,
}
