//! Checkpoints in and out: formats, names, broken files, saving, the Hub.

mod fixture;
mod hub;
mod load;
mod save;
mod torch;
