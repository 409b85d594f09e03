use std::num::NonZeroUsize;
use std::ops::ControlFlow;

use super::{GeneratedText, GenerationSettings, Prompt, TextGenerationPipeline};
use crate::InferError;

/// Which text it is of those that prompts are continued with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TextPlace {
    /// Its prompt, from 0.
    pub prompt: usize,
    /// Which of the prompt's texts, from 0.
    pub number: usize,
    /// How many texts the prompt has.
    pub count: usize,
}

impl TextGenerationPipeline {
    /// Continues prompts, each `num_return_sequences` times, at most `batch_size` texts at a time, which
    /// changes none of them. `progress` sees the texts of a group after every token, and may break off.
    /// The texts that a beam search finds for a prompt are a group, and are seen at its end.
    ///
    /// # Errors
    /// As [`chain`](Self::chain) and [`step`](Self::step).
    pub fn generate_in_groups(
        &self,
        prompts: &[Prompt],
        settings: &GenerationSettings,
        seed: u64,
        batch_size: NonZeroUsize,
        mut progress: impl FnMut(&[TextPlace], &mut [GeneratedText]) -> ControlFlow<()>,
    ) -> Result<(), InferError> {
        let chain = self.chain(settings)?;
        let places = |prompt, count| {
            (0..count).map(move |number| TextPlace {
                prompt,
                number,
                count,
            })
        };
        if settings.num_beams > 1 {
            for (at, prompt) in prompts.iter().enumerate() {
                let mut texts = self.beams(prompt, &chain, settings, || false)?;
                let places: Vec<_> = places(at, texts.len()).collect();
                if progress(&places, &mut texts).is_break() {
                    break;
                }
            }
            return Ok(());
        }
        let mut all =
            (0..prompts.len()).flat_map(|prompt| places(prompt, settings.num_return_sequences));
        loop {
            let group: Vec<TextPlace> = all.by_ref().take(batch_size.get()).collect();
            if group.is_empty() {
                return Ok(());
            }
            let begin = |place: &TextPlace| self.begin(&prompts[place.prompt], place.number as u64);
            let mut texts = group.iter().map(begin).collect::<Result<Vec<_>, _>>()?;
            let mut stopped = false;
            self.complete(&mut texts, &chain, settings, seed, |texts| {
                let flow = progress(&group, texts);
                stopped |= flow.is_break();
                flow
            })?;
            if stopped {
                return Ok(());
            }
        }
    }
}
