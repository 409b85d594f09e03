//! `cloze search DIR [QUERY]…`

use anstyle::Style;
use cloze_data::readers::LabelledText;
use cloze_infer::{Embedding, Hit, IndexedText, InferError, Prompt, SearchKind, VectorIndex};
use serde::Serialize;
use serde_json::Value;

use super::embedding::{Embeddings, OpenInput};
use super::predict::{one_line, shown_text};
use crate::arguments::search::SearchArguments;
use crate::failure::hint;
use crate::models::Models;
use crate::terminal::{Results, counted, note};

/// `cloze search DIR [QUERY]…`
pub(crate) fn run(arguments: SearchArguments, models: &Models) -> anyhow::Result<()> {
    let mut index = VectorIndex::open(&arguments.index)?;
    if arguments.exact {
        index = index.with_exact_search();
    }
    let options = arguments.prompt.options(Prompt::Query);
    let queries = OpenInput::open(arguments.queries.input()?)?;
    let device = arguments.prompt.device.open()?;
    let model = arguments.model.as_deref().unwrap_or(index.model());
    if let Err(error) = models.folder(model) {
        return Err(hint(error, "`--model MODEL` says where the model is now"));
    }
    let embedder = models.embedder(model, index.embedder_options(), &device)?;
    index.check(&embedder)?;
    let (kind, texts) = (index.search_kind(), index.texts());
    let mut found = Found {
        index,
        results: Results::stdout(),
        json: arguments.json,
    };
    let top_k = arguments.top_k.get();
    let take = |queries: &[LabelledText], embeddings: Vec<Embedding>| {
        let vectors = embeddings.into_iter().map(|embedding| embedding.vector);
        let vectors: Vec<Vec<f32>> = vectors.collect();
        let hits = found.index.search(&vectors, top_k)?;
        found.print(queries, &hits)
    };
    Embeddings::new(&embedder, &options, take).run(queries)?;
    note(match kind {
        SearchKind::Exact => format!("exact: {} compared", counted(texts, "vector")),
        SearchKind::Approximate => format!(
            "approximate: along a graph of {}; `--exact` compares them all",
            counted(texts, "vector")
        ),
    });
    Ok(())
}

/// What was found, printed.
struct Found {
    index: VectorIndex,
    results: Results,
    json: bool,
}

impl Found {
    fn print(&mut self, queries: &[LabelledText], hits: &[Vec<Hit>]) -> anyhow::Result<()> {
        let rows: Vec<usize> = hits.iter().flatten().map(|hit| hit.row).collect();
        let texts: Result<Vec<IndexedText>, InferError> = self.index.texts_of(&rows);
        let mut texts = texts?.into_iter();
        for (query, hits) in queries.iter().zip(hits) {
            let found = hits.iter().zip(texts.by_ref()).map(|(hit, text)| Line {
                id: text.id,
                corpus_id: hit.row,
                score: hit.score,
                text: text.text,
            });
            let found: Vec<Line> = found.collect();
            if self.json {
                self.results.json(&found)?;
            } else {
                self.lines(query, &found)?;
            }
        }
        self.results.flush()
    }

    /// The query, then a line for each text.
    fn lines(&mut self, query: &LabelledText, found: &[Line]) -> anyhow::Result<()> {
        let bold = self.results.style(Style::new().bold());
        let query = shown_text(query);
        self.results.line(format_args!("{bold}{query}{bold:#}"))?;
        for line in found {
            let id = match &line.id {
                Some(Value::String(id)) => format!("{id}  "),
                Some(id) => format!("{id}  "),
                None => String::new(),
            };
            let (score, text) = (line.score, one_line(&line.text));
            self.results
                .line(format_args!("  {score:.4}  {id}{text}"))?;
        }
        Ok(())
    }
}

/// A text that was found.
#[derive(Serialize)]
struct Line {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<Value>,
    corpus_id: usize,
    score: f32,
    text: String,
}
