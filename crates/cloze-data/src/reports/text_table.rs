use std::fmt;

use unicode_width::UnicodeWidthStr;

/// A table whose columns line up on a terminal, where a CJK character is two places wide: the
/// first column to the left, numbers to the right.
#[derive(Debug, Default)]
pub(super) struct TextTable {
    rows: Vec<Vec<String>>,
}

const BETWEEN: &str = "  ";

impl TextTable {
    pub(super) fn push(&mut self, name: &str, cells: impl Iterator<Item = String>) {
        let name = name
            .chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .collect();
        self.rows.push(std::iter::once(name).chain(cells).collect());
    }

    fn widths(&self) -> Vec<usize> {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let width = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.width()).max().unwrap_or(0)
        };
        (0..columns).map(width).collect()
    }
}

impl fmt::Display for TextTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let widths = self.widths();
        for row in &self.rows {
            let mut line = String::new();
            for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
                let blanks = " ".repeat(width - cell.width());
                if column == 0 {
                    line.push_str(cell);
                    line.push_str(&blanks);
                } else {
                    line.push_str(BETWEEN);
                    line.push_str(&blanks);
                    line.push_str(cell);
                }
            }
            writeln!(f, "{}", line.trim_end())?;
        }
        Ok(())
    }
}
