use rayon::prelude::*;

use super::encode::Sequence;
use super::{EncodeOptions, Encoding, TextInput, Tokenizer, TokenizerError};

impl Tokenizer {
    /// Encodes many inputs on all cores of rayon's pool, padded to one length if asked for.
    ///
    /// # Errors
    /// As [`encode`](Self::encode); the error names the first input that fails.
    pub fn encode_batch(
        &self,
        inputs: &[TextInput<'_>],
        options: &EncodeOptions,
    ) -> Result<Vec<Encoding>, TokenizerError> {
        self.encode_all(inputs, options, |input| {
            self.encode_unpadded(input, options)
        })
    }

    /// Encodes pairs that share their first text (a query and its candidates), which is
    /// tokenized once.
    ///
    /// # Errors
    /// As [`encode_batch`](Self::encode_batch).
    pub fn encode_with_shared(
        &self,
        shared: &str,
        others: &[&str],
        options: &EncodeOptions,
    ) -> Result<Vec<Encoding>, TokenizerError> {
        let first = self.raw(Sequence::Text(shared), options.alignment)?;
        self.encode_all(others, options, |other| {
            let second = self.raw(Sequence::Text(other), options.alignment)?;
            self.assemble(first.clone(), Some(second), options)
        })
    }

    fn encode_all<I: Sync>(
        &self,
        inputs: &[I],
        options: &EncodeOptions,
        encode: impl Fn(&I) -> Result<Encoding, TokenizerError> + Sync + Send,
    ) -> Result<Vec<Encoding>, TokenizerError> {
        let results: Vec<_> = inputs.par_iter().map(encode).collect();
        let mut encodings = Vec::with_capacity(inputs.len());
        for (index, result) in results.into_iter().enumerate() {
            encodings.push(result.map_err(|source| TokenizerError::InBatch {
                number: index + 1,
                source: source.into(),
            })?);
        }
        self.pad(&mut encodings, options)?;
        Ok(encodings)
    }
}
