use super::*;
use crate::column_sums::tests::reference as reference_sums;
use crate::elementary::tests::normal_f64;
use crate::philox::fill_normal;
use proptest::prelude::*;

const ALL: [Activation; 4] = [
    Activation::Gelu,
    Activation::GeluTanh,
    Activation::Relu,
    Activation::Tanh,
];

fn reference(activation: Activation, x: f64) -> f64 {
    match activation {
        Activation::Gelu => x * normal_f64(x).0,
        Activation::GeluTanh => {
            let root = (2.0 / std::f64::consts::PI).sqrt();
            0.5 * x * (1.0 + (root * (x + 0.044715 * x.powi(3))).tanh())
        }
        Activation::Relu => x.max(0.0),
        Activation::Tanh => x.tanh(),
    }
}

/// The derivative by central differences.
fn slope(activation: Activation, x: f64) -> f64 {
    let step = 1e-5;
    let [above, below] = [x + step, x - step].map(|x| reference(activation, x));
    (above - below) / (2.0 * step)
}

fn random(length: usize, stream: u64) -> Vec<f32> {
    let mut values = vec![0.0; length];
    fill_normal(&mut values, 1, stream, 2.0);
    values
}

struct Passed {
    output: Vec<f32>,
    gradient: Vec<f32>,
    sums: Vec<f32>,
}

fn backward(activation: Activation, input: &[f32], gradient: &[f32], columns: usize) -> Passed {
    let mut passed = Passed {
        output: vec![f32::NAN; input.len()],
        gradient: gradient.to_vec(),
        sums: vec![f32::NAN; columns],
    };
    activation.backward(ActivationBackward {
        input,
        output: &mut passed.output,
        gradient: &mut passed.gradient,
        column_sums: (columns > 0).then_some(&mut passed.sums),
    });
    passed
}

fn forward(activation: Activation, input: &[f32]) -> Vec<f32> {
    let mut output = vec![f32::NAN; input.len()];
    activation.forward(input, &mut output);
    output
}

/// `torch.nn.functional` 2.15 at -3, -0.5, 0.25 and 2. Its GELU adds 1 to an error function
/// near -1, and so is 5e-7 away from the true value at -3.
#[test]
fn values_equal_pytorch() {
    for (activation, expected) in [
        (
            Activation::Gelu,
            [-0.004_050_225, -0.154_268_77, 0.149_676_58, 1.954_499_7],
        ),
        (
            Activation::GeluTanh,
            [-0.003_637_433, -0.154_286, 0.149_675_35, 1.954_597_7],
        ),
        (Activation::Relu, [0.0, 0.0, 0.25, 2.0]),
        (
            Activation::Tanh,
            [-0.995_054_8, -0.462_117_17, 0.244_918_66, 0.964_027_6],
        ),
    ] {
        let found = forward(activation, &[-3.0, -0.5, 0.25, 2.0]);
        for (found, wanted) in found.iter().zip(expected) {
            assert!(
                (found - wanted).abs() < 6e-7,
                "{activation:?}: {found} {wanted}"
            );
        }
    }
}

#[test]
fn values_and_slopes_are_right_over_the_whole_range() {
    let input: Vec<f32> = (-20_000..20_000).map(|i| (i as f32 + 0.5) * 1e-3).collect();
    for activation in ALL {
        let passed = backward(activation, &input, &vec![1.0; input.len()], 0);
        for (index, &x) in input.iter().enumerate() {
            let (y, wanted) = (passed.output[index], reference(activation, x.into()));
            let error = (f64::from(y) - wanted).abs();
            assert!(
                error <= 5e-7 * wanted.abs() + 1e-7,
                "{activation:?}({x}) = {y}, not {wanted}"
            );
            let (g, wanted) = (passed.gradient[index], slope(activation, x.into()));
            let error = (f64::from(g) - wanted).abs();
            assert!(error <= 2e-6, "{activation:?}'({x}) = {g}, not {wanted}");
        }
    }
}

#[test]
fn infinities_saturate_and_nan_stays() {
    for activation in ALL {
        assert!(
            forward(activation, &[f32::NAN])[0].is_nan(),
            "{activation:?}"
        );
        let far = forward(activation, &[f32::MAX, f32::MIN]);
        let expected = if activation == Activation::Tanh {
            [1.0, -1.0]
        } else {
            [f32::MAX, 0.0]
        };
        assert_eq!(far, expected, "{activation:?}");
    }
}

#[test]
fn one_thread_computes_what_many_compute() {
    let (input, gradient) = (random(331 * 301, 1), random(331 * 301, 2));
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        let passed = pool.install(|| backward(Activation::Gelu, &input, &gradient, 301));
        (passed.output, passed.gradient, passed.sums)
    };
    assert!(run(1) == run(3));
}

#[test]
fn every_width_gives_the_same_bits() {
    let input = random(1003, 1);
    for activation in ALL {
        let mut scalar = vec![f32::NAN; input.len()];
        activation.forward_block(pulp::Scalar, &input, &mut scalar);
        assert_eq!(forward(activation, &input), scalar);
        let mut gradient = random(1003, 2);
        let native = backward(activation, &input, &gradient, 17);
        let mut sums = vec![0.0; 17];
        Backward {
            activation,
            input: &input,
            output: &mut scalar,
            gradient: &mut gradient,
            sums: &mut [],
        }
        .with_simd(pulp::Scalar);
        assert!(native.output == scalar && native.gradient == gradient);
        crate::column_sums::column_sums(&gradient, &mut sums);
        assert_eq!(native.sums, sums);
    }
}

proptest! {
    #[test]
    fn all_forms_agree(
        rows in prop_oneof![0_usize..20, Just(131)],
        columns in prop_oneof![1_usize..20, Just(97), Just(257)],
        activation in prop::sample::select(ALL.as_slice()),
    ) {
        let (input, gradient) = (random(rows * columns, 1), random(rows * columns, 2));
        let output = forward(activation, &input);
        let mut in_place = input.clone();
        activation.forward_in_place(&mut in_place);
        prop_assert_eq!(&output, &in_place);
        let (with, without) = (
            backward(activation, &input, &gradient, columns),
            backward(activation, &input, &gradient, 0),
        );
        prop_assert_eq!(&with.output, &output);
        prop_assert_eq!(&without.output, &output);
        prop_assert_eq!(&with.gradient, &without.gradient);
        for (index, &x) in input.iter().enumerate() {
            let wanted = f64::from(gradient[index]) * slope(activation, x.into());
            // At 0 ReLU has no slope to compare with.
            if x.abs() > 1e-4 {
                prop_assert!((f64::from(with.gradient[index]) - wanted).abs() <= 2e-5);
            }
        }
        let (wanted, magnitudes) = reference_sums(&with.gradient, columns);
        for column in 0..columns {
            let error = (f64::from(with.sums[column]) - wanted[column]).abs();
            prop_assert!(error <= 1e-6 * magnitudes[column]);
        }
    }
}
