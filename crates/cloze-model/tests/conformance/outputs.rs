use burn::module::Module;
use cloze_model::{ForwardOptions, SequenceClassifier};
use testkit::close::assert_close;

use crate::case::{ALL_OUTPUTS, Case, HIDDEN_STATES, outputs};
use crate::{for_every_architecture, for_every_near_constant};

fn with_and_without_autodiff(case: &Case) {
    // The two take different ways through the tensor library.
    for model in [case.model(), case.model().valid()] {
        let names = ["logits", "pooled", "last_hidden_state", "hidden_states."];
        equals_transformers(case, &model, &HIDDEN_STATES, &names);
        let names = [&names[..], &["attentions."]].concat();
        equals_transformers(case, &model, &ALL_OUTPUTS, &names);
    }
}

fn equals_transformers(
    case: &Case,
    model: &SequenceClassifier,
    options: &ForwardOptions,
    outputs_asked_for: &[&str],
) {
    let batch = case.batch();
    let output = model.forward(&batch, options).unwrap();
    let found = outputs(model, output, &batch);
    // As many as the golden file has: nothing is left out.
    let outputs = outputs_asked_for;
    let is_output = |name: &&String| outputs.iter().any(|output| name.starts_with(output));
    assert_eq!(
        found.len(),
        case.expected.names().iter().filter(is_output).count()
    );
    for (name, values) in found {
        assert_close(
            &case.what(&name),
            &values,
            &case.expected.floats(&name).values,
            1e-4,
        );
    }
}

#[test]
fn hidden_states_attentions_and_logits_equal_transformers() {
    for_every_architecture(with_and_without_autodiff);
}

#[test]
fn nearly_constant_rows_are_normalised_as_in_transformers() {
    for_every_near_constant(with_and_without_autodiff);
}

#[test]
fn nothing_is_kept_that_was_not_asked_for() {
    for_every_architecture(|case| {
        let output = case
            .model()
            .forward(&case.batch(), &Default::default())
            .unwrap();
        assert!(output.encoder.hidden_states.is_none() && output.encoder.attentions.is_none());
    });
}
