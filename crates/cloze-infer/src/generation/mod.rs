//! A model that says which token comes next → texts that go on.
//!
//! - [`TextGenerationPipeline`]: model folder and prompts → texts, token by token
//! - [`GenerationSettings`]: how tokens are chosen, in the model's `generation_config.json`
//! - [`chain`]: the rules that scores go through, in their order
//! - [`beam_search`]: several texts followed at the same time
//! - [`NextToken`]: what a model has to give

mod beam_search;
pub mod chain;
mod choice;
mod generated_text;
mod groups;
mod next_token;
mod pipeline;
mod settings;
mod settings_file;

pub use beam_search::{Hypothesis, beam_search};
pub use generated_text::{Finish, GeneratedText};
pub use groups::TextPlace;
pub use next_token::{MaskedNextToken, NextToken};
pub use pipeline::{Prompt, TextGenerationPipeline};
pub use settings::{EarlyStopping, GenerationSettings, SettingError};
pub use settings_file::GENERATION_CONFIG;

#[cfg(test)]
mod tests;
