//! Tags of words, and how they say where an entity begins and ends.
//!
//! - [`TagScheme`]: BIO, IOB1, BIOES, IO or plain tags; found in data, validated, converted
//! - [`Entity`]: a type and the words that it covers
//! - [`TagError`]: the word whose tag cannot stand where it does

mod conversion;
mod detection;
mod scheme;
#[cfg(test)]
mod tests;

pub use conversion::Entity;
pub use detection::SchemeEvidence;
pub use scheme::{Position, Tag, TagError, TagScheme};

/// The tag of a word that is part of no entity.
pub const OUTSIDE: &str = "O";
