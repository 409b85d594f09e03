//! Any bytes as a table of JSON lines.
#![no_main]

use cloze_data::readers::read_table;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let path = folder.path().join("rows.jsonl");
    std::fs::write(&path, bytes).expect("a temporary file can be written");
    if let Ok(table) = read_table(&path, None) {
        for row in &table.rows {
            assert_eq!(row.values.len(), table.columns.len());
        }
    }
});
