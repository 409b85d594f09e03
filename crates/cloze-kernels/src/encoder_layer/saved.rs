use super::LayerSettings;
use crate::buffers;

/// What a layer's forward pass leaves for its backward pass. The memory comes from, and returns
/// to, [`buffers`].
#[derive(Debug)]
pub struct SavedActivations {
    /// Queries, keys and values, `[tokens, 3 · hidden]`.
    pub(super) projected: Vec<f32>,
    /// `[tokens, heads]`.
    pub(super) log_sums: Vec<f32>,
    /// What attention gave, `[tokens, hidden]`.
    pub(super) context: Vec<f32>,
    /// The attention block before its LayerNorm's weight and bias, `[tokens, hidden]`.
    pub(super) attention_normalised: Vec<f32>,
    /// `[tokens]`.
    pub(super) attention_rstd: Vec<f32>,
    /// The output of the attention block, `[tokens, hidden]`.
    pub(super) attended: Vec<f32>,
    /// The feed-forward block before the activation, `[tokens, intermediate]`.
    pub(super) wide: Vec<f32>,
    /// The feed-forward block before its LayerNorm's weight and bias, `[tokens, hidden]`.
    pub(super) output_normalised: Vec<f32>,
    /// `[tokens]`.
    pub(super) output_rstd: Vec<f32>,
}

impl SavedActivations {
    pub(super) fn new(settings: &LayerSettings<'_>) -> Self {
        let tokens = settings.tokens();
        let rows = |size: usize| buffers::take(tokens * size);
        Self {
            projected: rows(3 * settings.hidden),
            log_sums: rows(settings.heads),
            context: rows(settings.hidden),
            attention_normalised: rows(settings.hidden),
            attention_rstd: rows(1),
            attended: rows(settings.hidden),
            wide: rows(settings.intermediate),
            output_normalised: rows(settings.hidden),
            output_rstd: rows(1),
        }
    }
}

impl Drop for SavedActivations {
    fn drop(&mut self) {
        for buffer in [
            &mut self.projected,
            &mut self.log_sums,
            &mut self.context,
            &mut self.attention_normalised,
            &mut self.attention_rstd,
            &mut self.attended,
            &mut self.wide,
            &mut self.output_normalised,
            &mut self.output_rstd,
        ] {
            buffers::give(std::mem::take(buffer));
        }
    }
}
