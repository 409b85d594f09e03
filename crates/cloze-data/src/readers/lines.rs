//! Plain text: a row a line, in one column that is called `text`.

use std::path::Path;

use super::source::TextSource;
use super::{Format, ReadError, Row, Table, Value};

pub(super) static TXT: Format = Format {
    name: "txt",
    extensions: &["txt"],
    read,
};

fn read(path: &Path) -> Result<Table, ReadError> {
    let source = TextSource::open(path)?;
    let mut lines = source.lines();
    let mut table = Table::new(path, vec!["text".into()]);
    let body = source.body();
    let mut offset = 0;
    for raw in body
        .strip_suffix(b"\n")
        .unwrap_or(body)
        .split(|&byte| byte == b'\n')
    {
        let line = lines.line_at(offset);
        match source.text(raw, offset, &lines) {
            Ok(text) => table.rows.push(Row {
                line,
                values: vec![Value::Text(text.strip_suffix('\r').unwrap_or(text).into())],
            }),
            Err(error) => table.rejected.push(error),
        }
        offset += raw.len() + 1;
    }
    Ok(table)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_row_an_empty_one_too() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.txt");
        std::fs::write(&path, b"\xEF\xBB\xBFone, \"two\"\r\n\r\nx\xBA\nlast\n").unwrap();
        let table = read(&path).unwrap();
        let texts: Vec<_> = table
            .rows
            .iter()
            .map(|row| (row.line, row.values[0].as_text()))
            .collect();
        assert_eq!(
            texts,
            [(1, Some("one, \"two\"")), (2, Some("")), (4, Some("last"))]
        );
        assert_eq!(table.rejected[0].line, Some(3));
        assert!(
            table.rejected[0]
                .found
                .starts_with("the byte 0xBA, number 19 of the file")
        );
    }
}
