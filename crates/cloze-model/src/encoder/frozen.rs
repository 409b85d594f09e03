use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::Tensor;

/// Whether no parameter of a part of a model wants a gradient. Such a part is a fixed function,
/// and runs without dropout.
pub(crate) fn is_frozen<M: Module>(part: &M) -> bool {
    struct Trainable(bool);
    impl ModuleVisitor for Trainable {
        fn visit_float<const D: usize>(&mut self, parameter: &Param<Tensor<D>>) {
            self.0 |= parameter.is_require_grad();
        }
    }
    let mut trainable = Trainable(false);
    part.visit(&mut trainable);
    !trainable.0
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, Tensor};

    use crate::architectures::Bert;
    use crate::named::{ParameterVisitor, for_each_parameter, parameter_names};
    use crate::testing::{batch, classifier, head};
    use crate::{DropoutKey, Features, ForwardOptions, FreezeSpec, SequenceClassifier};

    /// Parts that are frozen, and which of embeddings, first and second layer then lie on the way
    /// of a gradient.
    const CASES: [(&[&str], [bool; 3]); 7] = [
        (&["none"], [true, true, true]),
        (&["embeddings"], [false, true, true]),
        (&["embeddings", "layers:1"], [false, false, true]),
        (&["embeddings", "layers:2"], [false, false, false]),
        (&["embeddings", "encoder.layer.1.*"], [false, true, true]),
        // The embeddings train, so their gradient passes the frozen layers.
        (&["layers:2"], [true, true, true]),
        (&["encoder"], [false, false, false]),
    ];

    fn frozen(parts: &[&str]) -> SequenceClassifier {
        let device = Device::flex().autodiff();
        let model = classifier(&head(Features::Pooled, &[]), &device);
        let spec = FreezeSpec::parse(parts).unwrap();
        spec.apply(model, &Bert).unwrap().0
    }

    /// Embeddings and the output of every layer.
    fn states(model: &SequenceClassifier, dropout: Option<DropoutKey>) -> Vec<Tensor<2>> {
        let options = ForwardOptions {
            dropout,
            output_hidden_states: true,
            ..ForwardOptions::default()
        };
        let batch = batch(&[&[1, 5, 7, 2], &[1, 9, 9, 4, 2]]);
        let output = model.encoder.forward(&batch, &options).unwrap();
        output.hidden_states.unwrap()
    }

    fn values(tensors: Vec<Tensor<2>>) -> Vec<Vec<f32>> {
        let value = |tensor: Tensor<2>| tensor.into_data().try_to_vec().unwrap();
        tensors.into_iter().map(value).collect()
    }

    const KEY: Option<DropoutKey> = Some(DropoutKey { seed: 3, step: 1 });

    #[test]
    fn no_graph_is_kept_below_the_lowest_trained_part() {
        for (parts, tracked) in CASES {
            let found: Vec<bool> = states(&frozen(parts), KEY)
                .iter()
                .map(Tensor::is_tracked)
                .collect();
            assert_eq!(found, tracked, "{parts:?}");
        }
    }

    #[test]
    fn only_what_trains_drops() {
        let plain = values(states(&frozen(&["none"]), None));
        let all_drop = values(states(&frozen(&["none"]), KEY));
        assert!(plain.iter().zip(&all_drop).all(|(a, b)| a != b));
        let dropping = |parts: &[&str]| values(states(&frozen(parts), KEY));
        for parts in [&["encoder"][..], &["embeddings", "layers:2"]] {
            assert_eq!(dropping(parts), plain, "{parts:?}");
        }
        let second_only = dropping(&["embeddings", "layers:1"]);
        assert_eq!(second_only[..2], plain[..2]);
        assert_ne!(second_only[2], plain[2]);
        // The second layer is given the same in both, and drops in one of them.
        let both = dropping(&["embeddings"]);
        let first_only = dropping(&["embeddings", "encoder.layer.1.*"]);
        assert_eq!(first_only[..2], both[..2]);
        assert_ne!(first_only[1], plain[1]);
        assert_ne!(first_only[2], both[2]);
    }

    #[test]
    fn gradients_arrive_where_something_trains_and_nowhere_else() {
        struct WithGradient<'a>(&'a burn::tensor::Gradients, Vec<String>);
        impl ParameterVisitor for WithGradient<'_> {
            fn visit<const D: usize>(
                &mut self,
                name: &str,
                parameter: &burn::module::Param<Tensor<D>>,
            ) {
                if parameter.grad(self.0).is_some() {
                    self.1.push(name.into());
                }
            }
        }
        for (parts, _) in CASES {
            let model = frozen(parts);
            let options = ForwardOptions {
                dropout: KEY,
                ..ForwardOptions::default()
            };
            let output = model.forward(&batch(&[&[1, 5, 2]]), &options).unwrap();
            let gradients = output.logits.sum().backward();
            let mut found = WithGradient(&gradients, Vec::new());
            for_each_parameter(&model, &mut found);
            let trainable = crate::freeze::trainable_names(&model);
            assert_eq!(found.1, trainable, "{parts:?}");
            assert!(trainable.len() < parameter_names(&model).len() || parts == ["none"]);
        }
    }
}
