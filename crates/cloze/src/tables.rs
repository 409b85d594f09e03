//! Tables for people: aligned by what a terminal shows, Chinese characters two columns wide.

use comfy_table::{Attribute, Cell, CellAlignment, ContentArrangement, Table};

use crate::terminal::Results;

/// A table with a bold heading; columns that hold numbers are right-aligned.
#[derive(Debug)]
pub(crate) struct TextTable {
    table: Table,
    numeric: Vec<bool>,
}

impl TextTable {
    /// An empty table. A heading that starts with `#` marks a column of numbers and is shown
    /// without that mark.
    pub(crate) fn new(headings: &[&str]) -> Self {
        let mut table = Table::new();
        table
            .load_style(comfy_table::presets::NOTHING)
            .set_content_arrangement(ContentArrangement::Disabled);
        let numeric: Vec<bool> = headings.iter().map(|name| name.starts_with('#')).collect();
        table.set_header(headings.iter().map(|heading| {
            let name = heading.trim_start_matches('#');
            aligned(Cell::new(name), heading.starts_with('#')).add_attribute(Attribute::Bold)
        }));
        Self { table, numeric }
    }

    /// Adds a row, one text a column.
    pub(crate) fn row<S: ToString>(&mut self, cells: impl IntoIterator<Item = S>) {
        let numeric = &self.numeric;
        self.table
            .add_row(cells.into_iter().enumerate().map(|(column, text)| {
                aligned(
                    Cell::new(text.to_string()),
                    numeric.get(column).copied().unwrap_or(false),
                )
            }));
    }

    /// Writes the table, without spaces at the ends of lines.
    pub(crate) fn print(mut self, results: &mut Results) -> anyhow::Result<()> {
        if results.has_colours() {
            self.table.enforce_styling();
        } else {
            self.table.force_no_tty();
        }
        for column in self.table.column_iter_mut() {
            column.set_padding((0, 2));
        }
        for line in self.table.lines() {
            results.line(line.trim_end())?;
        }
        Ok(())
    }
}

fn aligned(cell: Cell, numeric: bool) -> Cell {
    if numeric {
        cell.set_alignment(CellAlignment::Right)
    } else {
        cell
    }
}
