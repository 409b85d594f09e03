use anyhow::Context;
use cloze_core::{InputError, LabelSet};
use cloze_data::readers::{Format, Label, NoLabel, Row, Table, Value, read_table};
use cloze_data::row_writer::{RowFormat, write_rows};
use cloze_data::splits::{classes_of_label_sets, split_by_ratio};

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
    let classes = classes(&table, arguments)?;
    let split = split_by_ratio(
        classes.as_deref(),
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
fn classes(table: &Table, arguments: &SplitArguments) -> anyhow::Result<Option<Vec<usize>>> {
    const USUAL: [&str; 2] = ["label", "labels"];
    let is_there = |name: &&str| table.columns.iter().any(|column| column == name);
    let usual = USUAL.into_iter().find(is_there);
    let column = match &arguments.label {
        Some(name) => name,
        None if arguments.no_stratify => return Ok(None),
        None => match usual {
            Some(name) => name,
            None => return Ok(None),
        },
    };
    let place = table.column(column)?;
    let cells = table.rows.iter().map(|row| &row.values[place]);
    let separator = arguments.label_separator.as_deref();
    if separator.is_some() || cells.clone().any(|cell| matches!(cell, Value::List(_))) {
        let separator = separator.unwrap_or_default();
        let sets = read::<Vec<String>>(table, column, place, separator)?;
        let sets = sets.iter().map(Vec::as_slice);
        return Ok(Some(classes_of_label_sets(sets)));
    }
    let names = read::<String>(table, column, place, "")?;
    let labels = LabelSet::from_observed(names.iter().map(String::as_str))?;
    // Every name is one of those that were observed.
    Ok(Some(
        names.iter().filter_map(|name| labels.id(name)).collect(),
    ))
}

/// The labels of all rows.
fn read<L: Label>(
    table: &Table,
    column: &str,
    place: usize,
    separator: &str,
) -> Result<Vec<L>, InputError> {
    let label = |row: &Row| {
        L::read(&row.values[place], separator).map_err(|problem| {
            let (found, wanted) = match problem {
                NoLabel::Absent(found) => (found.to_owned(), L::WANTED.to_owned()),
                NoLabel::Unusable { found, wanted } => (found, wanted),
            };
            InputError::new(&table.path, found, wanted)
                .at_line(row.line)
                .in_field(column)
        })
    };
    table.rows.iter().map(label).collect()
}
