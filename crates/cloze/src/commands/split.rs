use anyhow::Context;
use cloze_core::{InputError, LabelSet};
use cloze_data::readers::{Format, Table, Value, read_table};
use cloze_data::row_writer::{RowFormat, write_rows};
use cloze_data::splits::split_by_ratio;

use crate::arguments::split::SplitArguments;
use crate::failure::Usage;
use crate::new_folder::NewFolder;
use crate::terminal::{Results, counted};

/// `cloze split FILE --test SHARE --output DIR`
pub(crate) fn run(arguments: &SplitArguments) -> anyhow::Result<()> {
    if arguments.validation == 0.0 && arguments.test == 0.0 {
        let message = "give --validation or --test a share, or both";
        return Err(Usage::new(message).into());
    }
    let format = match arguments.format {
        Some(format) => format,
        None => Format::of_file(&arguments.data)?,
    };
    let table = read_table(&arguments.data, Some(format))?;
    let labels = labels(&table, arguments)?;
    let split = split_by_ratio(
        labels.as_deref(),
        table.rows.len(),
        arguments.validation,
        arguments.test,
        arguments.seed,
    )?;
    let output = NewFolder::create(&arguments.output)?;
    let format = RowFormat::like(format);
    let mut results = Results::stdout();
    for (name, rows) in split.named() {
        let file = format!("{name}.{}", format.extension());
        let path = output.path().join(&file);
        write_rows(&path, format, &table, rows)
            .with_context(|| format!("cannot write {}", arguments.output.join(&file).display()))?;
        let place = arguments.output.join(file);
        let rows = counted(rows.len(), "row");
        results.line(format_args!("{rows} in {}", place.display()))?;
    }
    output.commit()?;
    results.flush()
}

/// The class of every row, if the rows have labels to be looked at.
fn labels(table: &Table, arguments: &SplitArguments) -> anyhow::Result<Option<Vec<usize>>> {
    const USUAL: &str = "label";
    let is_there = |name: &str| table.columns.iter().any(|column| column == name);
    let column = match &arguments.label {
        Some(name) => name,
        None if !arguments.no_stratify && is_there(USUAL) => USUAL,
        None => return Ok(None),
    };
    let place = table.column(column)?;
    let names = table
        .rows
        .iter()
        .map(|row| match &row.values[place] {
            Value::Text(label) if !label.trim().is_empty() => Ok(label.trim().to_owned()),
            Value::Integer(label) => Ok(label.to_string()),
            Value::Bool(label) => Ok(label.to_string()),
            other => Err(InputError::new(&table.path, other.describe(), "a label")
                .at_line(row.line)
                .in_field(column)),
        })
        .collect::<Result<Vec<String>, _>>()?;
    let labels = LabelSet::from_observed(names.iter().map(String::as_str))?;
    // Every name is one of those that were observed.
    Ok(Some(
        names.iter().filter_map(|name| labels.id(name)).collect(),
    ))
}
