//! For tests only: golden files and closeness.
//!
//! - [`golden`]: tensors and JSON that the scripts of `tools/reference` wrote
//! - [`close`]: comparing arrays of numbers, with a message that shows where they part

pub mod close;
pub mod golden;
