//! What an evaluation found, as tables and as JSON.

use cloze_data::tokenizer::LongTexts;
use cloze_tasks::metrics::{Cell, Evaluation, Table};
use serde_json::{Map, Value, json};

use crate::tables::TextTable;
use crate::terminal::{Results, Thousands, counted, note, warn};

/// `{"accuracy": …, …, "per_class": {…}, "confusion_matrix": {…}}`
pub(crate) fn evaluation_json(evaluation: &Evaluation) -> Value {
    let mut object = Map::new();
    for (name, value) in evaluation.metrics.iter() {
        object.insert(name.into(), json!(value));
    }
    for table in &evaluation.tables {
        object.insert(table.name.clone(), table.to_json());
    }
    Value::Object(object)
}

/// Prints metrics, then each table under its name.
pub(crate) fn print_evaluation(
    evaluation: &Evaluation,
    results: &mut Results,
) -> anyhow::Result<()> {
    let mut table = TextTable::new(&["metric", "#value"]);
    for (name, value) in evaluation.metrics.iter() {
        table.row([name.to_owned(), shown(value)]);
    }
    table.print(results)?;
    for table in &evaluation.tables {
        results.line("")?;
        print_table(table, results)?;
    }
    Ok(())
}

/// Four digits behind the point; of what has more than fifteen before it, four in all behind the first.
fn shown(value: f64) -> String {
    match value.abs() >= 1e15 {
        true => format!("{value:.4e}"),
        false => format!("{value:.4}"),
    }
}

fn print_table(table: &Table, results: &mut Results) -> anyhow::Result<()> {
    let columns = table.columns.iter().map(|name| format!("#{name}"));
    let headings: Vec<String> = std::iter::once(title(table)).chain(columns).collect();
    let headings: Vec<&str> = headings.iter().map(String::as_str).collect();
    let mut printed = TextTable::new(&headings);
    for (name, cells) in &table.rows {
        printed.row(std::iter::once(name.clone()).chain(cells.iter().map(cell)));
    }
    printed.print(results)
}

/// What the first column holds; of a confusion matrix also what the others hold.
fn title(table: &Table) -> String {
    match table.name.as_str() {
        "confusion_matrix" => format!("{} \\ predicted", table.row_header),
        _ => table.row_header.clone(),
    }
}

fn cell(cell: &Cell) -> String {
    match cell {
        Cell::Count(count) => Thousands(*count as usize).to_string(),
        Cell::Score(score) => format!("{score:.4}"),
    }
}

/// Says how many texts were cut, or read in windows, as they are longer than the model reads at
/// once.
pub(crate) fn tell_of_long_texts(long: &LongTexts, stride: Option<usize>) {
    match stride {
        _ if !long.any() => {}
        None => warn(long),
        Some(_) => note(format_args!(
            "{} of {} longer than the {} tokens that the model reads at once: read in windows that \
             overlap",
            Thousands(long.longer),
            counted(long.texts, "text"),
            long.limit
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_perplexity_beyond_all_measure_is_no_row_of_digits() {
        assert_eq!(shown(0.85), "0.8500");
        assert_eq!(shown(13_953.669_9), "13953.6699");
        assert_eq!(shown(f64::MAX), "1.7977e308");
        assert_eq!(shown(f64::NAN), "NaN");
    }
}
