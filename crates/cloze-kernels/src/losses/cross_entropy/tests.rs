use super::*;
use crate::philox::fill_normal;
use proptest::prelude::*;

fn random(length: usize, stream: u64, std: f64) -> Vec<f32> {
    let mut values = vec![0.0; length];
    fill_normal(&mut values, 1, stream, std);
    values
}

fn in_place(loss: CrossEntropy<'_>, logits: &[f32], targets: &[usize]) -> (f64, Vec<f32>) {
    let mut gradient = logits.to_vec();
    let loss = loss.loss_and_gradient(Logits {
        logits: None,
        gradient: &mut gradient,
        targets,
    });
    (loss, gradient)
}

/// The formula of [`CrossEntropy`] in `f64`.
fn reference(loss: CrossEntropy<'_>, logits: &[f64], targets: &[usize]) -> f64 {
    let classes = logits.len() / targets.len();
    let weight = |class: usize| {
        loss.class_weights
            .map_or(1.0, |weights| weights[class].into())
    };
    let mut sum = 0.0;
    for (row, &target) in logits.chunks(classes).zip(targets) {
        let maximum = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let log = row.iter().map(|z| (z - maximum).exp()).sum::<f64>().ln() + maximum;
        sum += (1.0 - loss.label_smoothing) * weight(target) * (log - row[target]);
        for (class, z) in row.iter().enumerate() {
            sum += loss.label_smoothing / classes as f64 * weight(class) * (log - z);
        }
    }
    sum / targets.iter().map(|&target| weight(target)).sum::<f64>()
}

/// `torch.nn.functional.cross_entropy` 2.15 in double precision, logits
/// `[[1, -2, 0.5], [0, 3, -1]]`, targets `[2, 0]`.
#[test]
fn losses_and_gradients_equal_pytorch() {
    let weights = [0.5, 2.0, 1.0];
    for (class_weights, label_smoothing, wanted, wanted_gradient) in [
        (
            false,
            0.0,
            2.035240403,
            [
                0.301874448,
                0.015029444,
                -0.316903892,
                -0.476693689,
                0.468119776,
                0.008573913,
            ],
        ),
        (
            false,
            0.1,
            2.035240403,
            [
                0.285207781,
                -0.001637223,
                -0.283570559,
                -0.443360355,
                0.451453109,
                -0.008092754,
            ],
        ),
        (
            true,
            0.0,
            1.691692569,
            [
                0.402499264,
                0.020039258,
                -0.422538522,
                -0.317795792,
                0.312079851,
                0.005715942,
            ],
        ),
        (
            true,
            0.1,
            1.833560709,
            [
                0.398096474,
                -0.024071198,
                -0.374025276,
                -0.293501898,
                0.309246053,
                -0.015744155,
            ],
        ),
    ] {
        let settings = CrossEntropy {
            class_weights: class_weights.then_some(&weights),
            label_smoothing,
        };
        let logits = [1.0, -2.0, 0.5, 0.0, 3.0, -1.0];
        let (loss, gradient) = in_place(settings, &logits, &[2, 0]);
        assert!((loss - wanted).abs() < 1e-6, "{loss} {wanted}");
        for (found, wanted) in gradient.iter().zip(wanted_gradient) {
            assert!(
                (f64::from(*found) - wanted).abs() < 2e-7,
                "{found} {wanted}"
            );
        }
    }
}

#[test]
fn logits_far_apart_neither_overflow_nor_vanish() {
    let (loss, gradient) = in_place(
        CrossEntropy::default(),
        &[90.0, -90.0, -60.0, 60.0, 1e4, 0.0],
        &[1, 1, 0],
    );
    assert_eq!(loss, 60.0);
    assert!(gradient.iter().all(|g| g.is_finite()));
}

#[test]
fn a_logit_that_is_no_number_makes_the_loss_none() {
    assert!(
        in_place(CrossEntropy::default(), &[0.0, f32::NAN, 1.0], &[0])
            .0
            .is_nan()
    );
    assert!(
        in_place(CrossEntropy::default(), &[f32::INFINITY, 0.0], &[0])
            .0
            .is_nan()
    );
    assert!(in_place(CrossEntropy::default(), &[], &[]).0.is_nan());
}

#[test]
fn one_thread_computes_what_many_compute() {
    let logits = random(37 * 5003, 1, 3.0);
    let targets: Vec<usize> = (0..37).map(|row| row * 131).collect();
    let settings = CrossEntropy {
        label_smoothing: 0.1,
        ..CrossEntropy::default()
    };
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| in_place(settings, &logits, &targets))
    };
    assert!(run(1) == run(3));
}

#[test]
fn every_width_gives_the_same_bits() {
    for label_smoothing in [0.0, 0.1] {
        let (logits, targets) = (random(3 * 2111, 1, 3.0), [7, 2110, 0]);
        let settings = CrossEntropy {
            class_weights: None,
            label_smoothing,
        };
        let (loss, gradient) = in_place(settings, &logits, &targets);
        let terms = settings.terms(logits.len(), &targets);
        let mut scalar = logits.clone();
        let block = GradientBlock {
            terms: &terms,
            logits: None,
            gradient: &mut scalar,
            targets: &targets,
        };
        assert_eq!(block.with_simd(pulp::Scalar) / 3.0, loss);
        assert_eq!(scalar, gradient);
    }
}

#[test]
#[should_panic(expected = "target 3 is not one of 3 classes")]
fn a_target_that_is_no_class_is_refused() {
    CrossEntropy::default().loss(&[0.0; 6], &[0, 3]);
}

proptest! {
    #[test]
    fn losses_and_gradients_equal_the_reference(
        rows in 1_usize..20,
        classes in prop_oneof![1_usize..20, Just(97), Just(131)],
        weighted: bool,
        label_smoothing in prop_oneof![Just(0.0), 0.0_f64..1.0],
    ) {
        let logits = random(rows * classes, 1, 3.0);
        let weights: Vec<f32> = random(classes, 2, 1.0).iter().map(|w| w.abs() + 0.1).collect();
        let targets: Vec<usize> = (0..rows).map(|row| row * 7 % classes).collect();
        let settings = CrossEntropy {
            class_weights: weighted.then_some(&weights),
            label_smoothing,
        };
        let (loss, gradient) = in_place(settings, &logits, &targets);
        let mut apart = vec![f32::NAN; logits.len()];
        let loss_apart = settings.loss_and_gradient(Logits {
            logits: Some(&logits),
            gradient: &mut apart,
            targets: &targets,
        });
        prop_assert_eq!((loss, &gradient), (loss_apart, &apart));
        let mut wide: Vec<f64> = logits.iter().map(|&z| z.into()).collect();
        let wanted = reference(settings, &wide, &targets);
        prop_assert!((loss - wanted).abs() <= 2e-6 * (1.0 + wanted), "{} {}", loss, wanted);
        let alone = settings.loss(&logits, &targets);
        prop_assert!((alone - wanted).abs() <= 2e-6 * (1.0 + wanted), "{} {}", alone, wanted);
        for index in 0..wide.len() {
            let step = 1e-5;
            let mut at = |shift: f64| {
                wide[index] += shift;
                let loss = reference(settings, &wide, &targets);
                wide[index] -= shift;
                loss
            };
            let wanted = (at(step) - at(-step)) / (2.0 * step);
            let found = f64::from(gradient[index]);
            prop_assert!((found - wanted).abs() <= 2e-6, "{}: {} {}", index, found, wanted);
        }
    }
}
