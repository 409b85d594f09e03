//! The `cloze` program: raw arguments become validated settings, which thin commands hand to the
//! library.

mod arguments;
mod bad_rows;
mod commands;
mod failure;
mod learning_rates;
mod loaded_model;
mod models;
mod new_folder;
mod progress;
mod reports;
mod signals;
mod tables;
mod terminal;
mod training_display;

use std::process::ExitCode;

use clap::Parser;
use cloze_platform::allocator::{self, Allocator};

#[global_allocator]
static ALLOCATOR: Allocator = Allocator;

fn main() -> ExitCode {
    allocator::keep_freed_pages();
    match commands::run(arguments::Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failure::report(&error),
    }
}
