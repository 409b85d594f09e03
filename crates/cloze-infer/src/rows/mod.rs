//! Rows of a file or of standard input, as they come, and the texts in them.
//!
//! - [`open`]: a file or standard input → a [`RowStream`] (the reader of `cloze-data`)
//! - [`Texts`]: windows of rows → texts

mod texts;

pub use cloze_data::readers::stream::{RowStream, STANDARD_INPUT, Source, StreamedRow, open};
pub use texts::{Texts, TextsOfWindow};
