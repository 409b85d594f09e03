//! The program from outside: what it prints, writes and returns. No test needs a network; the
//! models are tiny, random and made by the program itself.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests fail as tests do; clippy exempts only functions marked as tests"
)]

mod architectures;
mod bad_input;
mod continuation;
mod devices;
mod embeddings;
mod evaluation;
mod generation;
mod generation_settings;
mod help;
mod interrupted_runs;
mod large_indexes;
mod long_texts;
mod masked_lm;
mod models;
mod multi_label;
mod place;
mod predict_task;
mod prediction;
mod question_answering;
mod regression;
mod sentence_pairs;
mod token_classification;
mod tokenization;
mod training;
mod training_parts;
mod vocabulary;
