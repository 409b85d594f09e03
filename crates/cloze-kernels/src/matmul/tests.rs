use proptest::prelude::*;

use super::*;
use crate::philox::fill_normal;

fn random(length: usize, stream: u64) -> Vec<f32> {
    let mut values = vec![0.0; length];
    fill_normal(&mut values, 5, stream, 1.0);
    values
}

fn element(matrix: Matrix<'_>, row: usize, column: usize) -> f32 {
    if matrix.transposed {
        matrix.data[column * matrix.stride + row]
    } else {
        matrix.data[row * matrix.stride + column]
    }
}

/// The definition: for every element one chain of fused multiply-adds.
fn naive(left: Matrix<'_>, right: Matrix<'_>, start: impl Fn(usize, usize) -> f32) -> Vec<f32> {
    let mut product = Vec::new();
    for row in 0..left.rows {
        for column in 0..right.columns {
            let steps = 0..left.columns;
            product.push(steps.fold(start(row, column), |sum, step| {
                element(left, row, step).mul_add(element(right, step, column), sum)
            }));
        }
    }
    product
}

fn product(left: Matrix<'_>, right: Matrix<'_>) -> Vec<f32> {
    let mut output = vec![f32::NAN; left.rows * right.columns];
    multiply(
        left,
        right,
        Start::Zero,
        Output {
            data: &mut output,
            stride: right.columns,
        },
    );
    let mut packed = vec![f32::NAN; output.len()];
    let into = Output {
        data: &mut packed,
        stride: right.columns,
    };
    multiply_packed(left, &Panels::of(right), Start::Zero, into);
    assert_eq!(output, packed, "packed before or as it goes");
    output
}

/// A matrix in rows of its own or of a larger one, as it is or transposed.
fn view(data: &[f32], rows: usize, columns: usize, gap: usize, transposed: bool) -> Matrix<'_> {
    if transposed {
        Matrix::strided(data, columns, rows, rows + gap).transpose()
    } else {
        Matrix::strided(data, rows, columns, columns + gap)
    }
}

fn pool(threads: usize) -> rayon::ThreadPool {
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .unwrap()
}

proptest! {
    #[test]
    fn every_element_is_its_chain_of_sums(
        rows in prop_oneof![0_usize..40, Just(113), Just(230)],
        steps in prop_oneof![0_usize..40, Just(97)],
        columns in prop_oneof![0_usize..70, Just(131)],
        gap in 0_usize..3,
        transposed: (bool, bool),
        threads in 1_usize..4,
    ) {
        let storage = |rows, columns, stream| random((rows + 3_usize) * (columns + 3_usize) * 2, stream);
        let (a, b) = (storage(rows, steps, 1), storage(steps, columns, 2));
        let left = view(&a, rows, steps, gap, transposed.0);
        let right = view(&b, steps, columns, gap, transposed.1);
        let found = pool(threads).install(|| product(left, right));
        prop_assert_eq!(found, naive(left, right, |_, _| 0.0));
    }

    #[test]
    fn sums_begin_with_a_bias_or_the_output(
        rows in 1_usize..30, steps in 0_usize..20, columns in 1_usize..50, gap in 0_usize..5
    ) {
        let (a, b) = (random(rows * steps, 1), random(steps * columns, 2));
        let (left, right) = (Matrix::new(&a, rows, steps), Matrix::new(&b, steps, columns));
        let stride = columns + gap;
        let before = random(rows * stride, 3);
        let mut output = before.clone();
        multiply(left, right, Start::Output, Output { data: &mut output, stride });
        let expected = naive(left, right, |row, column| before[row * stride + column]);
        for (row, expected) in expected.chunks(columns).enumerate() {
            prop_assert_eq!(&output[row * stride..][..columns], expected);
            let end = row * stride + columns..(row + 1) * stride;
            prop_assert_eq!(&output[end.clone()], &before[end], "between rows nothing is written");
        }
        let bias = random(columns, 4);
        multiply(left, right, Start::Bias(&bias), Output { data: &mut output, stride });
        let expected = naive(left, right, |_, column| bias[column]);
        for (row, expected) in expected.chunks(columns).enumerate() {
            prop_assert_eq!(&output[row * stride..][..columns], expected);
        }
    }

    #[test]
    fn parts_are_packed_as_one_matrix(
        steps in 1_usize..20,
        widths in prop::collection::vec(1_usize..50, 1..4),
        transposed: bool,
    ) {
        let rows = 5;
        let a = random(rows * steps, 1);
        let data: Vec<_> = widths.iter().zip(2..).map(|(w, stream)| random(w * steps, stream)).collect();
        let parts: Vec<_> =
            data.iter().zip(&widths).map(|(data, &w)| view(data, steps, w, 0, transposed)).collect();
        let columns = widths.iter().sum();
        let mut output = vec![0.0; rows * columns];
        let left = Matrix::new(&a, rows, steps);
        let into = Output { data: &mut output, stride: columns };
        multiply(left, Right::Beside(&parts), Start::Zero, into);
        let mut first = 0;
        for part in &parts {
            let expected = naive(Matrix::new(&a, rows, steps), *part, |_, _| 0.0);
            for (row, expected) in expected.chunks(part.columns).enumerate() {
                prop_assert_eq!(&output[row * columns + first..][..part.columns], expected);
            }
            first += part.columns;
        }
        // The same parts, one below the other: their transposes' product is the sum of products.
        let below: Vec<_> = parts.iter().map(|part| part.transpose()).collect();
        let whole = random(3 * columns, 9);
        let mut sum = vec![0.0; 3 * steps];
        let left = Matrix::new(&whole, 3, columns);
        let into = Output { data: &mut sum, stride: steps };
        multiply(left, Right::Below(&below), Start::Zero, into);
        let mut expected = vec![0.0; 3 * steps];
        let mut first = 0;
        for part in &below {
            let left = Matrix::strided(&whole[first..], 3, part.rows, columns);
            expected = naive(left, *part, |row, column| expected[row * steps + column]);
            first += part.rows;
        }
        prop_assert_eq!(sum, expected);
    }
}

#[test]
fn many_steps_are_one_chain_too() {
    for steps in [767, 768, 769, 1600] {
        for rows in [3, 115] {
            let (a, b) = (random(rows * steps, 1), random(steps * 33, 2));
            let (left, right) = (Matrix::new(&a, rows, steps), Matrix::new(&b, steps, 33));
            for threads in [1, 3] {
                let found = pool(threads).install(|| product(left, right));
                assert_eq!(
                    found,
                    naive(left, right, |_, _| 0.0),
                    "{rows} {steps} {threads}"
                );
            }
        }
    }
}

#[test]
fn a_row_does_not_depend_on_the_rows_beside_it() {
    let (a, b) = (random(50 * 64, 1), random(64 * 40, 2));
    let right = Matrix::new(&b, 64, 40);
    let together = product(Matrix::new(&a, 50, 64), right);
    for row in 0..50 {
        let alone = product(Matrix::new(&a[row * 64..][..64], 1, 64), right);
        assert_eq!(alone, together[row * 40..][..40]);
    }
}

#[test]
#[should_panic(expected = "columns of the left factor")]
fn factors_that_do_not_fit_are_refused() {
    let values = [0.0; 6];
    product(Matrix::new(&values, 2, 3), Matrix::new(&values, 2, 3));
}

#[test]
fn a_left_factor_is_activated_as_it_is_packed() {
    let (a, b) = (random(20 * 7, 1), random(7 * 5, 2));
    let mut activated = a.clone();
    Activation::Gelu.forward_in_place(&mut activated);
    let right = Matrix::new(&b, 7, 5);
    for transposed in [false, true] {
        let view = |data| {
            if transposed {
                Matrix::new(data, 7, 20).transpose()
            } else {
                Matrix::new(data, 20, 7)
            }
        };
        let (lazy, stored) = (view(&a).activated(Activation::Gelu), view(&activated));
        assert_eq!(product(lazy, right), product(stored, right));
    }
}
