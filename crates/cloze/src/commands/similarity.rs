//! `cloze similarity MODEL [TEXT]…`

use anyhow::ensure;
use cloze_data::readers::{LabelledText, Value};
use cloze_infer::{Prompt, Similarity};
use serde::Serialize;

use super::embedding::{Embedded, OpenInput};
use super::predict::shown_text;
use crate::arguments::predict::Input;
use crate::arguments::similarity::SimilarityArguments;
use crate::models::Models;
use crate::tables::TextTable;
use crate::terminal::Results;

/// Characters of a text in the table.
const SHOWN: usize = 40;

/// `cloze similarity MODEL [TEXT]…`
pub(crate) fn run(arguments: SimilarityArguments, models: &Models) -> anyhow::Result<()> {
    let options = arguments.prompt.options(Prompt::Usual);
    let against = arguments
        .against
        .map(|file| OpenInput::open(Input::Stream(arguments.texts.columns().input(file))));
    let against = against.transpose()?;
    let input = OpenInput::open(arguments.texts.input()?)?;
    let device = arguments.prompt.device.open()?;
    let embedder = models.embedder(&arguments.model, &arguments.embedding.options(), &device)?;
    let similarity = arguments.score.unwrap_or(embedder.similarity());
    let read = |input| -> anyhow::Result<Embedded> {
        let mut embedded = Embedded::read(input, &embedder, &options)?;
        for vector in &mut embedded.vectors {
            similarity.prepare(vector);
        }
        ensure!(!embedded.texts.is_empty(), "there is no text to compare");
        Ok(embedded)
    };
    let texts = read(input)?;
    let others = against.map(read).transpose()?;
    let matrix = Matrix {
        others: others.as_ref().unwrap_or(&texts),
        texts: &texts,
        similarity,
    };
    let mut results = Results::stdout();
    if arguments.json {
        matrix.print_json(&mut results)?;
    } else {
        matrix.print_table(&mut results, others.is_some())?;
    }
    results.flush()
}

/// Every text with every other.
struct Matrix<'a> {
    texts: &'a Embedded,
    others: &'a Embedded,
    similarity: Similarity,
}

impl Matrix<'_> {
    fn scores(&self, row: usize) -> impl Iterator<Item = f32> {
        let vector = &self.texts.vectors[row];
        let others = self.others.vectors.iter();
        others.map(move |other| self.similarity.score(vector, other))
    }

    fn print_json(&self, results: &mut Results) -> anyhow::Result<()> {
        for (row, text) in self.texts.texts.iter().enumerate() {
            results.json(&Line {
                id: text.id.as_ref(),
                text: &text.text,
                scores: self.scores(row).collect(),
            })?;
        }
        Ok(())
    }

    /// A row a text and a column for each that it is compared with; these have numbers, and a list
    /// before the table where they are other texts.
    fn print_table(&self, results: &mut Results, lists_others: bool) -> anyhow::Result<()> {
        if lists_others {
            for (index, text) in self.others.texts.iter().enumerate() {
                results.line(format_args!("{}  {}", index + 1, shown_text(text)))?;
            }
            results.line("")?;
        }
        let numbers = (1..=self.others.texts.len()).map(|number| format!("#{number}"));
        let first = if lists_others { "" } else { "#" };
        let headings: Vec<String> = [first.to_owned(), "text".into()]
            .into_iter()
            .chain(numbers)
            .collect();
        let headings: Vec<&str> = headings.iter().map(String::as_str).collect();
        let mut table = TextTable::new(&headings);
        for (row, text) in self.texts.texts.iter().enumerate() {
            let number = match lists_others {
                true => String::new(),
                false => (row + 1).to_string(),
            };
            let scores = self.scores(row).map(|score| format!("{score:.4}"));
            table.row([number, shortened(text)].into_iter().chain(scores));
        }
        table.print(results)
    }
}

/// The text on one line, or the beginning of it.
fn shortened(text: &LabelledText) -> String {
    let shown = shown_text(text);
    match shown.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &shown[..end]),
        None => shown,
    }
}

#[derive(Serialize)]
struct Line<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a Value>,
    text: &'a str,
    scores: Vec<f32>,
}
