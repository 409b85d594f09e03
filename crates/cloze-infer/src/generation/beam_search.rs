//! Beam search as `transformers` does it.

use super::chain::{Chain, Written};
use super::{EarlyStopping, GenerationSettings, NextToken};
use crate::InferError;

/// A finished text of a beam search.
#[derive(Clone, Debug, PartialEq)]
pub struct Hypothesis {
    /// The tokens that were generated.
    pub ids: Vec<u32>,
    /// The sum of their logarithmic probabilities (what the chain has made of them), divided by
    /// their number to the power of the length penalty.
    pub score: f32,
}

/// A text that goes on.
#[derive(Clone, Debug)]
struct Beam {
    /// With the prompt.
    ids: Vec<u32>,
    /// The sum of logarithmic probabilities.
    score: f32,
}

/// Follows the `num_beams` likeliest texts, and gives the `num_return_sequences` best ones that
/// ended. `ends` says whether a text ends with its last token; it is given the whole text, from
/// `min_new_tokens` generated ones on. Where `interrupted`, asked before every token, says so, all
/// texts end with the next one.
///
/// # Errors
/// If the model refuses a text, or the chain leaves nothing to write.
pub fn beam_search(
    model: &dyn NextToken,
    prompt: &[u32],
    chain: &Chain,
    settings: &GenerationSettings,
    ends: &mut dyn FnMut(&[u32]) -> Result<bool, InferError>,
    interrupted: &mut dyn FnMut() -> bool,
) -> Result<Vec<Hypothesis>, InferError> {
    let width = settings.num_beams;
    let mut running = vec![Beam {
        ids: prompt.to_vec(),
        score: 0.0,
    }];
    let mut finished: Vec<Hypothesis> = Vec::new();
    for generated in 1..=settings.max_new_tokens {
        let scores = scores_of(model, prompt.len(), chain, &running)?;
        let last = generated == settings.max_new_tokens || interrupted();
        let mut best = Best::new(&scores, model.vocab_size(), width);
        let mut next: Vec<Beam> = Vec::new();
        let mut rank = 0;
        // What ends is kept if it is among the best, and as many texts go on as there are beams.
        while (next.len() < width && !last) || rank < width {
            let Some((row, token, score)) = best.next() else {
                break;
            };
            let mut ids = running[row].ids.clone();
            ids.push(token);
            let done = last || (generated >= settings.min_new_tokens && ends(&ids)?);
            if !done && next.len() < width {
                next.push(Beam { ids, score });
            } else if done && rank < width {
                let ids = ids.split_off(prompt.len());
                let score = per_length(score, generated, settings);
                finished.push(Hypothesis { ids, score });
            }
            rank += 1;
        }
        finished.sort_by(|a, b| b.score.total_cmp(&a.score));
        finished.truncate(width);
        running = next;
        if !goes_on(&running, &finished, generated, settings) {
            break;
        }
    }
    if finished.is_empty() {
        return Err(InferError::NothingToWrite);
    }
    finished.truncate(settings.num_return_sequences);
    Ok(finished)
}

/// The scores of every text that one more token makes of those that go on, `[beams, vocab]`.
fn scores_of(
    model: &dyn NextToken,
    prompt: usize,
    chain: &Chain,
    running: &[Beam],
) -> Result<Vec<f32>, InferError> {
    let written: Vec<&[u32]> = running.iter().map(|beam| beam.ids.as_slice()).collect();
    let mut scores = model.next_logits(&written)?;
    for (beam, scores) in running.iter().zip(scores.chunks_mut(model.vocab_size())) {
        log_softmax(scores);
        let ids = &beam.ids;
        chain.process(&Written { ids, prompt }, scores);
        scores.iter_mut().for_each(|score| *score += beam.score);
    }
    Ok(scores)
}

fn log_softmax(logits: &mut [f32]) {
    let highest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let sum: f64 = logits
        .iter()
        .map(|&logit| f64::from(logit - highest).exp())
        .sum();
    let constant = f64::from(highest) + sum.ln();
    for logit in logits {
        *logit = (f64::from(*logit) - constant) as f32;
    }
}

/// Whether a text that goes on may still be better than those that ended.
fn goes_on(
    running: &[Beam],
    finished: &[Hypothesis],
    generated: usize,
    settings: &GenerationSettings,
) -> bool {
    let Some(best) = running.first() else {
        return false;
    };
    let worst = match finished.last() {
        Some(worst) if finished.len() == settings.num_beams => worst.score,
        _ => return true,
    };
    let never = settings.early_stopping == EarlyStopping::Never && settings.length_penalty > 0.0;
    let length = match never {
        true => settings.max_new_tokens,
        false => generated,
    };
    settings.early_stopping != EarlyStopping::AtOnce
        && per_length(best.score, length, settings) > worst
}

/// A sum of logarithmic probabilities divided by the length's power: always a number, though the
/// power of a great length may be none.
fn per_length(sum: f32, length: usize, settings: &GenerationSettings) -> f32 {
    let penalty = (length as f64).powf(settings.length_penalty) as f32;
    let score = sum / penalty.clamp(f32::MIN_POSITIVE, f32::MAX);
    score.clamp(f32::MIN, f32::MAX)
}

/// Places of the highest scores, in their order, found as far as they are asked for.
struct Best<'a> {
    scores: &'a [f32],
    vocab: usize,
    sorted: Vec<u32>,
    at: usize,
}

impl<'a> Best<'a> {
    fn new(scores: &'a [f32], vocab: usize, width: usize) -> Self {
        let mut best = Self {
            scores,
            vocab,
            sorted: Vec::new(),
            at: 0,
        };
        best.sort(width.saturating_mul(2));
        best
    }

    /// Sorts this many of the highest ones.
    fn sort(&mut self, count: usize) {
        let score = |place: u32| self.scores[place as usize];
        let higher = |&a: &u32, &b: &u32| score(b).total_cmp(&score(a)).then(a.cmp(&b));
        let mut places: Vec<u32> = (0..self.scores.len() as u32)
            .filter(|&place| score(place) > f32::NEG_INFINITY)
            .collect();
        if count < places.len() {
            places.select_nth_unstable_by(count, higher);
            places.truncate(count);
        }
        places.sort_unstable_by(higher);
        self.sorted = places;
    }
}

impl Iterator for Best<'_> {
    /// Beam, token, score.
    type Item = (usize, u32, f32);

    fn next(&mut self) -> Option<Self::Item> {
        if self.at == self.sorted.len() {
            self.sort(2 * self.sorted.len());
        }
        let place = *self.sorted.get(self.at)? as usize;
        self.at += 1;
        Some((
            place / self.vocab,
            (place % self.vocab) as u32,
            self.scores[place],
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_are_numbers_whatever_the_length() {
        for length_penalty in [-10.0, 0.0, 10.0] {
            let settings = GenerationSettings {
                length_penalty,
                ..GenerationSettings::default()
            };
            for length in [1, 100, 100_000, usize::MAX] {
                for sum in [0.0, -1e-20, -7.0, -1e30] {
                    let score = per_length(sum, length, &settings);
                    assert!(score.is_finite(), "{sum}, {length}, {length_penalty}");
                }
            }
        }
    }
}
