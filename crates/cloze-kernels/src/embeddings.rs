//! The embeddings of BERT: rows of the word, token type and position tables, summed, normalised and
//! dropped out, in one pass.
//!
//! Devlin, Chang, Lee, Toutanova: *BERT: pre-training of deep bidirectional transformers for language
//! understanding*, NAACL 2019.

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use crate::column_sums::rows_per_block;
use crate::dropout::Dropout;
use crate::elementwise::{Add, Multiply, for_each};
use crate::layer_norm::{LayerNorm, LayerNormBackward};

/// The parameters of the embeddings. `size` is that of the normalisation.
#[derive(Clone, Copy, Debug)]
pub struct Embeddings<'a> {
    /// `[vocabulary, size]`.
    pub word: &'a [f32],
    /// `[types, size]`, where the architecture has them.
    pub token_type: Option<&'a [f32]>,
    /// `[positions, size]`.
    pub position: &'a [f32],
    /// The normalisation of the sum.
    pub norm: LayerNorm<'a>,
}

/// The rows of the tables that every token uses: `[tokens]` each.
#[derive(Clone, Copy, Debug)]
pub struct EmbeddingIds<'a> {
    /// Rows of the word table.
    pub word: &'a [u32],
    /// Rows of the token type table; not read where the architecture has none.
    pub token_type: &'a [u32],
    /// Rows of the position table.
    pub position: &'a [u32],
}

/// What the forward pass writes.
#[derive(Debug)]
pub struct EmbeddingsForward<'a> {
    /// Dropout of the output.
    pub dropout: Option<Dropout>,
    /// `[tokens, size]`: receives the normalised sum, which the backward pass needs.
    pub normalised: &'a mut [f32],
    /// `[tokens]`: receives `1 / √(variance + epsilon)` of every sum.
    pub rstd: &'a mut [f32],
    /// `[tokens, size]`: receives the output.
    pub output: &'a mut [f32],
}

/// What the backward pass reads and writes. Gradients that are `None` are not computed.
#[derive(Debug)]
pub struct EmbeddingsBackward<'a> {
    /// `[tokens, size]`: the gradient of the output; `None` if `gradient` holds it.
    pub output_gradient: Option<&'a [f32]>,
    /// That of the forward pass.
    pub dropout: Option<Dropout>,
    /// `[tokens, size]`, of the forward pass.
    pub normalised: &'a [f32],
    /// `[tokens]`, of the forward pass.
    pub rstd: &'a [f32],
    /// `[tokens, size]`: receives the gradient of the sum, from which
    /// [`scatter_add_rows`](crate::scatter::scatter_add_rows) makes that of every table.
    pub gradient: &'a mut [f32],
    /// `[size]`: receives the gradient of the normalisation's weight.
    pub weight_gradient: Option<&'a mut [f32]>,
    /// `[size]`: receives the gradient of the normalisation's bias.
    pub bias_gradient: Option<&'a mut [f32]>,
}

impl Embeddings<'_> {
    /// `output = dropout(LayerNorm(word + token type + position))`, on all threads, keeping what the
    /// backward pass needs.
    ///
    /// # Panics
    /// If a length is not the one documented, or an id is beyond its table.
    pub fn forward(&self, ids: EmbeddingIds<'_>, forward: EmbeddingsForward<'_>) {
        let EmbeddingsForward {
            dropout,
            normalised,
            rstd,
            output,
        } = forward;
        self.check(ids, output);
        let tokens = ids.word.len();
        assert_eq!(
            normalised.len(),
            output.len(),
            "normalised and output differ in length"
        );
        assert_eq!(rstd.len(), tokens, "one rstd for every token");
        let per_block = rows_per_block(tokens);
        let block = (per_block * self.norm.size()).max(1);
        let arch = Arch::new();
        normalised
            .par_chunks_mut(block)
            .zip(output.par_chunks_mut(block))
            .zip(rstd.par_chunks_mut(per_block))
            .enumerate()
            .for_each(|(index, ((normalised, output), rstd))| {
                arch.dispatch(Block {
                    embeddings: self,
                    ids,
                    first: index * per_block,
                    dropout,
                    kept: Some(Kept { normalised, rstd }),
                    output,
                });
            });
    }

    /// `output = LayerNorm(word + token type + position)`, on all threads: the form for inference,
    /// which keeps nothing.
    ///
    /// # Panics
    /// If a length is not the one documented, or an id is beyond its table.
    pub fn infer(&self, ids: EmbeddingIds<'_>, output: &mut [f32]) {
        self.check(ids, output);
        let per_block = rows_per_block(ids.word.len());
        let block = (per_block * self.norm.size()).max(1);
        let arch = Arch::new();
        output
            .par_chunks_mut(block)
            .enumerate()
            .for_each(|(index, output)| {
                arch.dispatch(Block {
                    embeddings: self,
                    ids,
                    first: index * per_block,
                    dropout: None,
                    kept: None,
                    output,
                });
            });
    }

    /// The gradient of the sum, and of the normalisation's parameters, on all threads.
    ///
    /// # Panics
    /// If a length is not the one documented.
    pub fn backward(&self, backward: EmbeddingsBackward<'_>) {
        let EmbeddingsBackward {
            output_gradient,
            dropout,
            normalised,
            rstd,
            gradient,
            weight_gradient,
            bias_gradient,
        } = backward;
        let backward = LayerNormBackward {
            output_gradient,
            normalised,
            rstd,
            gradient,
            through_dropout: None,
            column_sums: None,
            weight_gradient,
            bias_gradient,
        };
        self.norm.backward_with_output_dropout(backward, dropout);
    }

    fn check(&self, ids: EmbeddingIds<'_>, output: &[f32]) {
        let (tokens, size) = (ids.word.len(), self.norm.size());
        assert_eq!(
            self.norm.bias.len(),
            size,
            "weight and bias differ in length"
        );
        assert_eq!(
            output.len(),
            tokens * size,
            "one row of {size} for every token"
        );
        let mut tables = vec![(ids.word, self.word), (ids.position, self.position)];
        tables.extend(self.token_type.map(|table| (ids.token_type, table)));
        for (ids, table) in tables {
            assert_eq!(ids.len(), tokens, "one id for every token");
            if let Some(&id) = ids.iter().max() {
                assert!(
                    (id as usize + 1) * size <= table.len(),
                    "id {id} is beyond its table"
                );
            }
        }
    }
}

struct Kept<'a> {
    normalised: &'a mut [f32],
    rstd: &'a mut [f32],
}

/// Some tokens, on one thread.
struct Block<'a> {
    embeddings: &'a Embeddings<'a>,
    ids: EmbeddingIds<'a>,
    /// The number of the block's first token.
    first: usize,
    dropout: Option<Dropout>,
    kept: Option<Kept<'a>>,
    output: &'a mut [f32],
}

// A closure would not be inlined into the function that turns vector instructions on.
impl WithSimd for Block<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let norm = self.embeddings.norm;
        let size = norm.size();
        let mut factors = vec![0.0; self.dropout.map_or(0, |_| size)];
        for (index, output) in self.output.chunks_mut(size).enumerate() {
            let token = self.first + index;
            match &mut self.kept {
                Some(Kept { normalised, rstd }) => {
                    let row = &mut normalised[index * size..(index + 1) * size];
                    self.embeddings.look_up(simd, self.ids, token, row);
                    rstd[index] = norm.forward_row(simd, row, output);
                }
                None => {
                    self.embeddings.look_up(simd, self.ids, token, output);
                    norm.in_place_row(simd, output);
                }
            }
            if let Some(dropout) = &self.dropout {
                dropout.factors_at(simd, token * size, &mut factors);
                for_each(simd, Multiply, [&factors], [output]);
            }
        }
    }
}

impl Embeddings<'_> {
    /// The sum of a token's rows, in the order of `transformers`.
    #[inline(always)]
    fn look_up<S: Simd>(&self, simd: S, ids: EmbeddingIds<'_>, token: usize, sum: &mut [f32]) {
        let size = self.norm.size();
        let row = |table, id: u32| -> &[f32] {
            let table: &[f32] = table;
            &table[id as usize * size..(id as usize + 1) * size]
        };
        sum.copy_from_slice(row(self.word, ids.word[token]));
        if let Some(table) = self.token_type {
            for_each(simd, Add, [row(table, ids.token_type[token])], [&mut *sum]);
        }
        for_each(simd, Add, [row(self.position, ids.position[token])], [sum]);
    }
}

#[cfg(test)]
mod tests;
