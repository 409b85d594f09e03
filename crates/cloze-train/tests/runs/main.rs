//! Whole runs of a tiny model.

#![expect(clippy::unwrap_used, reason = "a helper of a test fails like a test")]

mod bad_input;
mod continuation;
mod event_file;
mod first_evaluation;
mod fixture;
mod frozen;
mod masked_lm;
mod question_answering;
mod resume;
mod several_labels;
mod steps;
mod token_classification;
mod training;
mod training_parts;
