use burn::module::Param;
use burn::tensor::{Gradients, Tensor};
use cloze_model::ForwardOptions;
use cloze_model::named::{ParameterVisitor, for_each_parameter};
use testkit::close::{assert_close, assert_relatively_close};

use crate::case::{ALL_OUTPUTS, Case, golden_name, values};
use crate::for_every_architecture;

struct Comparison<'a> {
    case: &'a Case,
    gradients: Gradients,
    compared: usize,
}

impl ParameterVisitor for Comparison<'_> {
    fn visit<const D: usize>(&mut self, name: &str, parameter: &Param<Tensor<D>>) {
        let own = golden_name(self.case.architecture, name);
        let expected = self.case.expected.floats(&format!("grad.{own}"));
        let found = parameter.grad(&self.gradients).unwrap();
        assert_eq!(found.dims().to_vec(), expected.shape, "{own}");
        if name.ends_with("attention.self.key.bias") {
            // It adds the same to every score of a row, so it is zero but for rounding.
            assert_close(&own, &values(found), &expected.values, 1e-4);
        } else {
            assert_relatively_close(&own, &values(found), &expected.values, 1e-3);
        }
        self.compared += 1;
    }
}

#[test]
fn the_gradient_of_every_parameter_equals_that_of_transformers() {
    for_every_architecture(|case| {
        // Fused layers, the same recomputed on the way back, composed ones.
        let recomputed = ForwardOptions {
            gradient_checkpointing: true,
            ..ForwardOptions::default()
        };
        for options in [ForwardOptions::default(), recomputed, ALL_OUTPUTS] {
            compare(case, &options);
        }
    });
}

fn compare(case: &Case, options: &ForwardOptions) {
    let model = case.model();
    let loss = case.loss(&model, options);
    let expected = case.expected.floats("loss").values;
    assert_close(&case.what("loss"), &values(loss.clone()), &expected, 1e-4);
    let mut comparison = Comparison {
        case,
        gradients: loss.backward(),
        compared: 0,
    };
    for_each_parameter(&model, &mut comparison);
    let names = case.expected.names();
    let golden = names.iter().filter(|name| name.starts_with("grad."));
    assert_eq!(comparison.compared, golden.count());
}
