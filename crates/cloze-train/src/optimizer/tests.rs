use std::path::Path;

use burn::tensor::TensorData;
use cloze_model::named::parameter_names;
use serde::Deserialize;
use testkit::golden::read_json;

use super::*;
use crate::parameter_groups;

#[derive(Module, Debug)]
struct Block {
    weight: Param<Tensor<2>>,
    bias: Param<Tensor<1>>,
}

/// Fields whose canonical names are those of an encoder with a head.
#[derive(Module, Debug)]
struct Model {
    embeddings: Block,
    layers: Vec<Block>,
    pooler: Block,
    classifier: Block,
}

type Values = BTreeMap<String, Vec<f32>>;

/// What `tools/reference/parameter_groups_golden.py` has PyTorch compute.
#[derive(Deserialize)]
struct Golden {
    factors: Vec<f64>,
    weights: Values,
    gradients: Vec<Values>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    settings: Settings,
    weights: Values,
}

#[derive(Deserialize)]
struct Settings {
    kind: OptimizerKind,
    learning_rate: f64,
    clip: f64,
    weight_decay: f64,
    layer_decay: Option<f64>,
    head_learning_rate: Option<f64>,
}

impl Settings {
    fn config(&self) -> OptimizerConfig {
        OptimizerConfig {
            kind: self.kind,
            clip: self.clip,
            weight_decay: Some(self.weight_decay),
            layer_decay: self.layer_decay,
            head_learning_rate: self.head_learning_rate,
            ..OptimizerConfig::default()
        }
    }
}

fn golden() -> Golden {
    let file = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/golden/parameter_groups.json"
    );
    read_json(Path::new(file))
}

fn model(weights: &Values) -> Model {
    let device = Device::flex().autodiff();
    let data = |name: &str, shape: &[usize]| TensorData::new(weights[name].clone(), shape);
    let block = |name: &str| Block {
        weight: Param::from_data(data(&format!("{name}.weight"), &[2, 3]), &device),
        bias: Param::from_data(data(&format!("{name}.bias"), &[2]), &device),
    };
    Model {
        embeddings: block("embeddings"),
        layers: (0..3)
            .map(|layer| block(&format!("encoder.layer.{layer}")))
            .collect(),
        pooler: block("pooler"),
        classifier: block("classifier"),
    }
}

fn values(model: &Model) -> Values {
    struct Read(Values);
    impl ParameterVisitor for Read {
        fn visit<const D: usize>(&mut self, name: &str, parameter: &Param<Tensor<D>>) {
            let data = parameter.val().inner().into_data();
            self.0.insert(name.into(), data.iter::<f32>().collect());
        }
    }
    let mut read = Read(Values::new());
    for_each_parameter(model, &mut read);
    read.0
}

#[test]
fn steps_with_groups_are_those_of_pytorch() {
    let golden = golden();
    for case in &golden.cases {
        let settings = &case.settings;
        let mut model = model(&golden.weights);
        let mut names = parameter_names(&model);
        names.sort();
        assert!(names.iter().eq(golden.weights.keys()), "{names:?}");
        let mut optimizer = Optimizer::new(&settings.config(), settings.learning_rate, &model);
        for (gradients, factor) in golden.gradients.iter().zip(&golden.factors) {
            let tensor = |(name, values): (&String, &Vec<f32>)| {
                let tensor = Tensor::from_floats(values.as_slice(), &Device::flex());
                (name.clone(), tensor)
            };
            let gradients = NamedGradients(gradients.iter().map(tensor).collect());
            let scales = Scales {
                norm: gradients.norm(),
                factor: *factor,
                loss: 1.0,
            };
            model = optimizer.step(model, gradients, &scales);
        }
        for (name, found) in values(&model) {
            for (found, wanted) in found.iter().zip(&case.weights[&name]) {
                let difference = (found - wanted).abs();
                assert!(difference < 2e-6, "{name}: {found} {wanted}");
            }
        }
    }
}

#[test]
fn rates_fall_from_the_last_layer_to_the_embeddings() {
    let model = model(&golden().weights);
    let config = OptimizerConfig {
        weight_decay: Some(0.1),
        layer_decay: Some(0.5),
        head_learning_rate: Some(0.25),
        ..OptimizerConfig::default()
    };
    let groups = parameter_groups(&model, &config, 1.0);
    let found: Vec<(&str, f64, f64, usize)> = groups
        .iter()
        .map(|group| {
            let parameters = group.parameters;
            (
                group.name.as_str(),
                group.learning_rate,
                group.weight_decay,
                parameters,
            )
        })
        .collect();
    let mut wanted = Vec::new();
    for (name, rate) in [
        ("embeddings", 0.125),
        ("layer 0", 0.25),
        ("layer 1", 0.5),
        ("layer 2", 1.0),
        ("pooler", 1.0),
        ("head", 0.25),
    ] {
        wanted.extend([(name, rate, 0.1, 6), (name, rate, 0.0, 2)]);
    }
    assert_eq!(found, wanted);

    let plain = parameter_groups(&model, &OptimizerConfig::default(), 1.0);
    let names: Vec<&str> = plain.iter().map(|group| group.name.as_str()).collect();
    assert_eq!(names, ["encoder", "head"]);
}
