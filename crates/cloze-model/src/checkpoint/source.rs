use std::collections::HashSet;

use burn::tensor::TensorData;

use super::tensor_names::{HeadNames, StoredNames, is_buffer, stored_name};
use super::{Checkpoint, CheckpointError, LoadReport, TensorStore};
use crate::named::is_encoder_name;
use crate::parameter_source::{Init, ParameterError, ParameterSource, RandomParameters};

/// Gives a model the tensors of a checkpoint, and fresh ones where the checkpoint has none.
pub(crate) struct CheckpointParameters<'a> {
    checkpoint: &'a Checkpoint,
    store: TensorStore,
    names: StoredNames,
    head: HeadSource,
    fresh: RandomParameters,
    used: HashSet<String>,
    missing: Vec<String>,
    missing_of_encoder: Vec<String>,
}

/// Where the tensors of a head come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HeadSource {
    /// The checkpoint, under these names.
    Checkpoint(HeadNames),
    /// Drawn anew, even if the checkpoint has tensors of these names.
    Fresh(HeadNames),
}

impl<'a> CheckpointParameters<'a> {
    pub(crate) fn open(
        checkpoint: &'a Checkpoint,
        head: HeadSource,
        seed: u64,
    ) -> Result<Self, CheckpointError> {
        let store = checkpoint.tensors()?;
        Ok(Self {
            checkpoint,
            names: StoredNames::of(&store, checkpoint.architecture()),
            store,
            head,
            fresh: RandomParameters::new(seed),
            used: HashSet::new(),
            missing: Vec::new(),
            missing_of_encoder: Vec::new(),
        })
    }

    /// The shape of a tensor of the file, by its canonical name.
    pub(crate) fn stored_shape(&self, canonical: &str) -> Option<&[usize]> {
        let name = self.stored_name(canonical)?;
        self.store.shape(self.names.find(&name)?)
    }

    /// What was not shared, now that the model has all of its tensors.
    ///
    /// # Errors
    /// If a tensor of the encoder was missing: a model with a layer of random numbers is never
    /// what was meant. (The pooler is another matter: checkpoints of masked language models have
    /// none.)
    pub(crate) fn finish(self) -> Result<LoadReport, CheckpointError> {
        if !self.missing_of_encoder.is_empty() {
            return Err(CheckpointError::MissingWeights {
                folder: self.checkpoint.folder().into(),
                names: self.missing_of_encoder,
            });
        }
        let unused = |name: &&str| !self.used.contains(*name) && !is_buffer(name);
        let mut unexpected: Vec<_> = self.names.stored().filter(unused).map(Into::into).collect();
        unexpected.sort_unstable();
        Ok(LoadReport {
            missing: self.missing,
            unexpected,
        })
    }

    /// The name of a tensor in a file written today; nothing for a tensor that is to be fresh.
    fn stored_name(&self, canonical: &str) -> Option<String> {
        let names = match self.head {
            HeadSource::Checkpoint(names) => names,
            HeadSource::Fresh(names) if is_encoder_name(canonical) => names,
            HeadSource::Fresh(_) => return None,
        };
        Some(stored_name(
            self.checkpoint.architecture(),
            names,
            canonical,
        ))
    }

    fn note_missing(&mut self, canonical: &str) {
        let (HeadSource::Checkpoint(names) | HeadSource::Fresh(names)) = self.head;
        let name = stored_name(self.checkpoint.architecture(), names, canonical);
        if is_encoder_name(canonical) && !canonical.starts_with("pooler.") {
            self.missing_of_encoder.push(name);
        } else {
            self.missing.push(name);
        }
    }
}

impl ParameterSource for CheckpointParameters<'_> {
    fn get(
        &mut self,
        name: &str,
        shape: &[usize],
        init: Init,
    ) -> Result<TensorData, ParameterError> {
        let wanted = self.stored_name(name);
        if let Some(stored) = wanted.as_deref().and_then(|name| self.names.find(name))
            && let Some(data) = self.store.read(stored, shape)?
        {
            self.used.insert(stored.to_owned());
            return Ok(data);
        }
        self.note_missing(name);
        if self.missing_of_encoder.is_empty() {
            return self.fresh.get(name, shape, init);
        }
        // The model will be refused; its remaining tensors are asked for only to be named.
        self.fresh.get(name, shape, Init::Zeros)
    }
}
