//! Checkpoints in and out: formats, names, broken files, saving, the Hub.

#![expect(clippy::unwrap_used, reason = "a helper of a test fails like a test")]

mod fixture;
mod hub;
mod load;
mod save;
mod torch;
