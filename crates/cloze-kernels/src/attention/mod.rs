//! Attention within each sequence of a packed batch (Vaswani et al. 2017), forward and backward.
//!
//! The scores of a head live in cache while they are needed and are computed again on the way back
//! (Dao et al. 2022), so memory grows with the number of tokens, not with its square.

mod backward;
mod forward;
mod head;

#[cfg(test)]
mod tests;

use crate::dropout::Dropout;

/// How the tokens of a batch look at each other.
#[derive(Clone, Copy, Debug)]
pub struct Attention<'a> {
    /// Where each sequence begins, and where the last one ends: `[sequences + 1]`.
    pub offsets: &'a [usize],
    /// Heads a layer.
    pub heads: usize,
    /// Elements of a query, a key or a value of one head.
    pub head_size: usize,
    /// Dropout of the weights.
    pub dropout: Option<&'a Dropout>,
}

/// What a forward pass writes.
#[derive(Debug)]
pub struct AttentionForward<'a> {
    /// Queries, keys and values of every token side by side, `[tokens, 3 · heads · head_size]`.
    pub projected: &'a [f32],
    /// What the tokens got to see, `[tokens, heads · head_size]`.
    pub context: &'a mut [f32],
    /// The logarithm of the sum of every row's exponentials, which the backward pass wants:
    /// `[tokens, heads]`.
    pub log_sums: &'a mut [f32],
    /// Receives the weights, `[sequences, heads, padded, padded]`, after dropout as in
    /// `transformers`, with zeros at padding; and the length that sequences are padded to.
    pub weights: Option<(&'a mut [f32], usize)>,
}

/// What a backward pass reads and writes.
#[derive(Debug)]
pub struct AttentionBackward<'a> {
    /// What the forward pass was given.
    pub projected: &'a [f32],
    /// What the forward pass wrote.
    pub context: &'a [f32],
    /// What the forward pass wrote.
    pub log_sums: &'a [f32],
    /// The gradient of `context`.
    pub gradient: &'a [f32],
    /// Receives the gradient of `projected`.
    pub projected_gradient: &'a mut [f32],
}

impl Attention<'_> {
    fn sequences(&self) -> usize {
        self.offsets.len().saturating_sub(1)
    }

    fn tokens(&self) -> usize {
        self.offsets.last().copied().unwrap_or(0)
    }

    /// `heads · head_size`.
    fn hidden(&self) -> usize {
        self.heads * self.head_size
    }

    /// What scores are multiplied with: `1 / √head_size`.
    fn scale(&self) -> f32 {
        (self.head_size as f64).sqrt().recip() as f32
    }

    /// Sees that everything fits the batch.
    fn check(&self, projected: &[f32], context: &[f32], log_sums: &[f32]) {
        let (tokens, hidden) = (self.tokens(), self.hidden());
        assert!(
            self.offsets.first().is_none_or(|&first| first == 0) && self.offsets.is_sorted(),
            "offsets begin with 0 and do not fall"
        );
        assert_eq!(
            projected.len(),
            tokens * 3 * hidden,
            "three projections a token"
        );
        assert_eq!(context.len(), tokens * hidden, "one context a token");
        assert_eq!(
            log_sums.len(),
            tokens * self.heads,
            "one sum a token and head"
        );
    }
}
