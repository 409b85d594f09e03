use cloze_core::InputError;

use super::label_cells::applies;
use super::{Row, Table, Value};

/// Puts columns that each belong to one label, and hold 0 or 1, together into one column of lists
/// of labels, whose name is returned. Rows with anything else in them are rejected. The names of
/// the columns become the names of the classes.
///
/// # Errors
/// If a column does not exist, or stands twice.
pub(super) fn merge(table: &mut Table, names: &[String]) -> Result<String, InputError> {
    let places = names
        .iter()
        .map(|name| table.column(name))
        .collect::<Result<Vec<_>, _>>()?;
    let merged = names.join(", ");
    for row in std::mem::take(&mut table.rows) {
        match labels(&row, &places, names) {
            Ok(labels) => {
                let others = others(row.values, &places);
                let values = others.chain([Value::List(labels)]).collect();
                table.rows.push(Row { values, ..row });
            }
            Err((name, found)) => table.rejected.push(
                InputError::new(&table.path, found, "1 where the label applies, or 0")
                    .at_line(row.line)
                    .in_field(name),
            ),
        }
    }
    let columns = std::mem::take(&mut table.columns);
    table.columns = others(columns, &places).chain([merged.clone()]).collect();
    table.class_names.insert(merged.clone(), names.to_vec());
    Ok(merged)
}

fn others<T>(items: Vec<T>, places: &[usize]) -> impl Iterator<Item = T> {
    items
        .into_iter()
        .enumerate()
        .filter_map(|(place, item)| (!places.contains(&place)).then_some(item))
}

/// The labels of a row, or the column that is wrong and what stands there.
fn labels<'a>(
    row: &Row,
    places: &[usize],
    names: &'a [String],
) -> Result<Vec<Value>, (&'a str, String)> {
    let mut labels = Vec::new();
    for (&place, name) in places.iter().zip(names) {
        if applies(&row.values[place]).map_err(|found| (name.as_str(), found))? {
            labels.push(Value::Text(name.clone()));
        }
    }
    Ok(labels)
}
