//! Classifiers whose encoder is frozen: what it says about a text never changes, so it can be
//! computed once and kept, and training needs the head alone.

use burn::tensor::Tensor;
use cloze_core::PackedBatch;

use super::{Features, SequenceClassifier};
use crate::encoder::{ForwardError, ForwardOptions, is_frozen};

impl SequenceClassifier {
    /// What of a text training leaves as it is: the head's own features where nothing below the
    /// head wants a gradient, the rows of `[CLS]` where only the pooler does. `None` where
    /// embeddings or layers train.
    ///
    /// A model on a device without autodiff knows no gradients; ask the one that is trained.
    pub fn frozen_features(&self) -> Option<Features> {
        let encoder = &self.encoder;
        if !is_frozen(&encoder.embeddings) || !encoder.layers.iter().all(is_frozen) {
            return None;
        }
        let pooler_trains = encoder
            .pooler
            .as_ref()
            .is_some_and(|pooler| !is_frozen(pooler));
        match self.head.config().features {
            Features::Pooled if pooler_trains => Some(Features::Cls),
            own => Some(own),
        }
    }

    /// These features of a batch, without dropout: `[batch, hidden]`.
    ///
    /// # Errors
    /// As [`forward`](Self::forward).
    pub fn encode(
        &self,
        features: Features,
        batch: &PackedBatch,
    ) -> Result<Tensor<2>, ForwardError> {
        let output = self.encoder.forward(batch, &ForwardOptions::default())?;
        self.reduce(features, output.last_hidden_state, batch)
    }

    /// The logits, `[batch, labels]`, that [`forward`](Self::forward) gives for the texts whose
    /// [`frozen_features`](Self::frozen_features) are `rows`, `[batch, hidden]`: the pooler, if
    /// it is still to come, and the head, with the dropout that they have there.
    ///
    /// # Errors
    /// If the pooler is to come and there is none.
    pub fn classify_frozen(
        &self,
        features: Features,
        rows: Tensor<2>,
        options: &ForwardOptions,
    ) -> Result<Tensor<2>, ForwardError> {
        let rows = match (features, self.head.config().features) {
            (Features::Cls, Features::Pooled) => self.encoder.pool(rows)?,
            _ => rows,
        };
        Ok(self.classify(rows, options))
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;
    use crate::architectures::Bert;
    use crate::testing::{batch, classifier, head};
    use crate::{ClassificationHeadConfig, DropoutKey, FreezeSpec};

    fn frozen(features: Features, parts: &[&str]) -> SequenceClassifier {
        let head = ClassificationHeadConfig {
            feature_dropout: 0.3,
            dropout: 0.5,
            ..head(features, &[5])
        };
        let model = classifier(&head, &Device::flex().autodiff());
        let spec = FreezeSpec::parse(parts).unwrap();
        spec.apply(model, &Bert).unwrap().0
    }

    #[test]
    fn what_stays_is_what_no_trained_parameter_touches() {
        let kept = |features, parts: &[&str]| frozen(features, parts).frozen_features();
        for features in [Features::Pooled, Features::Cls, Features::Mean] {
            assert_eq!(kept(features, &["encoder"]), Some(features));
            for parts in [
                &["none"][..],
                &["embeddings"],
                &["layers:2"],
                &["embeddings", "layers:1"],
            ] {
                assert_eq!(kept(features, parts), None, "{parts:?}");
            }
        }
        let all_but_pooler = [&["all-but-pooler"][..], &["embeddings", "layers:2"]];
        for parts in all_but_pooler {
            assert_eq!(kept(Features::Pooled, parts), Some(Features::Cls));
            assert_eq!(kept(Features::Mean, parts), Some(Features::Mean));
        }
        let half_a_pooler = ["all-but-pooler", "pooler.dense.bias"];
        assert_eq!(kept(Features::Pooled, &half_a_pooler), Some(Features::Cls));
    }

    /// Dropout of features and head included: kept features are given the masks that they would
    /// have had.
    #[test]
    fn logits_of_kept_features_are_those_of_the_whole_model() {
        let batch = batch(&[&[1, 5, 7, 2], &[1, 2], &[1, 9, 9, 4, 2]]);
        let options = ForwardOptions {
            dropout: Some(DropoutKey { seed: 4, step: 2 }),
            ..ForwardOptions::default()
        };
        let values = |logits: Tensor<2>| logits.into_data().try_to_vec::<f32>().unwrap();
        for features in [Features::Pooled, Features::Cls, Features::Mean] {
            for part in ["encoder", "all-but-pooler"] {
                let model = frozen(features, &[part]);
                let kept = model.frozen_features().unwrap();
                let rows = model.encode(kept, &batch).unwrap();
                assert!(!rows.is_tracked());
                for options in [options, ForwardOptions::default()] {
                    let logits = model.classify_frozen(kept, rows.clone(), &options);
                    assert_eq!(
                        values(logits.unwrap()),
                        values(model.forward(&batch, &options).unwrap().logits),
                        "{features:?}, {part}"
                    );
                }
            }
        }
    }
}
