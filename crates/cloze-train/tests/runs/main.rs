//! Whole runs of a tiny model.

mod bad_input;
mod fixture;
mod resume;
mod steps;
mod training;
