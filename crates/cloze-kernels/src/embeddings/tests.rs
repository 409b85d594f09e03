use super::*;
use crate::philox::fill_normal;
use crate::scatter::scatter_add_rows;
use proptest::prelude::*;

const VOCABULARY: usize = 11;
const POSITIONS: usize = 7;
const EPSILON: f32 = 1e-3;

fn random(length: usize, stream: u64) -> Vec<f32> {
    let mut values = vec![0.0; length];
    fill_normal(&mut values, 1, stream, 1.0);
    values
}

/// Embeddings of `tokens` tokens and everything that their passes write.
struct Case {
    size: usize,
    word: Vec<f32>,
    token_type: Option<Vec<f32>>,
    position: Vec<f32>,
    weight: Vec<f32>,
    bias: Vec<f32>,
    ids: [Vec<u32>; 3],
    output_gradient: Vec<f32>,
}

#[derive(Debug, PartialEq)]
struct Passes {
    normalised: Vec<f32>,
    rstd: Vec<f32>,
    output: Vec<f32>,
    gradient: Vec<f32>,
    weight: Vec<f32>,
    bias: Vec<f32>,
}

impl Case {
    fn new(tokens: usize, size: usize, types: bool) -> Self {
        let ids = |factor: usize, rows: usize| {
            (0..tokens)
                .map(|token| (token * factor % rows) as u32)
                .collect()
        };
        Self {
            size,
            word: random(VOCABULARY * size, 1),
            token_type: types.then(|| random(2 * size, 2)),
            position: random(POSITIONS * size, 3),
            weight: random(size, 4),
            bias: random(size, 5),
            ids: [ids(5, VOCABULARY), ids(3, 2), ids(1, POSITIONS)],
            output_gradient: random(tokens * size, 6),
        }
    }

    fn embeddings(&self) -> Embeddings<'_> {
        Embeddings {
            word: &self.word,
            token_type: self.token_type.as_deref(),
            position: &self.position,
            norm: LayerNorm {
                weight: &self.weight,
                bias: &self.bias,
                epsilon: EPSILON,
            },
        }
    }

    fn ids(&self) -> EmbeddingIds<'_> {
        let [word, token_type, position] = &self.ids;
        EmbeddingIds {
            word,
            token_type,
            position,
        }
    }

    fn passes(&self, dropout: Option<Dropout>) -> Passes {
        let nan = |length| vec![f32::NAN; length];
        let length = self.output_gradient.len();
        let mut passes = Passes {
            normalised: nan(length),
            rstd: nan(self.ids[0].len()),
            output: nan(length),
            gradient: nan(length),
            weight: nan(self.size),
            bias: nan(self.size),
        };
        let forward = EmbeddingsForward {
            dropout,
            normalised: &mut passes.normalised,
            rstd: &mut passes.rstd,
            output: &mut passes.output,
        };
        self.embeddings().forward(self.ids(), forward);
        self.embeddings().backward(EmbeddingsBackward {
            output_gradient: Some(&self.output_gradient),
            dropout,
            normalised: &passes.normalised,
            rstd: &passes.rstd,
            gradient: &mut passes.gradient,
            weight_gradient: Some(&mut passes.weight),
            bias_gradient: Some(&mut passes.bias),
        });
        passes
    }

    /// The output in `f64`, from tables of any kind: `[word, token type, position, weight, bias]`.
    fn reference(&self, tables: &[Vec<f64>; 5], dropout: Option<Dropout>) -> Vec<f64> {
        let size = self.size;
        let mut output = Vec::new();
        for token in 0..self.ids[0].len() {
            let sum: Vec<f64> = (0..size)
                .map(|column| {
                    let tables = self
                        .ids
                        .iter()
                        .zip(tables)
                        .filter(|(_, table)| !table.is_empty());
                    tables
                        .map(|(ids, table)| table[ids[token] as usize * size + column])
                        .sum()
                })
                .collect();
            let mean = sum.iter().sum::<f64>() / size as f64;
            let variance = sum.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / size as f64;
            let rstd = 1.0 / (variance + f64::from(EPSILON)).sqrt();
            for (column, x) in sum.iter().enumerate() {
                let place = token * size + column;
                let factor = dropout.map_or(1.0, |dropout| dropout.mask_factor(place));
                let y = (x - mean) * rstd * tables[3][column] + tables[4][column];
                output.push(y * f64::from(factor));
            }
        }
        output
    }

    fn wide(&self) -> [Vec<f64>; 5] {
        let no_types = vec![];
        let types = self.token_type.as_ref().unwrap_or(&no_types);
        [&self.word, types, &self.position, &self.weight, &self.bias]
            .map(|values| values.iter().map(|&value| value.into()).collect())
    }
}

#[test]
fn one_thread_computes_what_many_compute() {
    let case = Case::new(2503, 37, true);
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| case.passes(Some(Dropout::new(3, 1, 4, 0.1))))
    };
    assert!(run(1) == run(3));
}

#[test]
fn every_width_gives_the_same_bits() {
    let case = Case::new(9, 97, true);
    let dropout = Some(Dropout::new(3, 1, 4, 0.1));
    let native = case.passes(dropout);
    let length = native.output.len();
    let (mut normalised, mut output) = (vec![0.0; length], vec![0.0; length]);
    let mut rstd = vec![0.0; 9];
    Block {
        embeddings: &case.embeddings(),
        ids: case.ids(),
        first: 0,
        dropout,
        kept: Some(Kept {
            normalised: &mut normalised,
            rstd: &mut rstd,
        }),
        output: &mut output,
    }
    .with_simd(pulp::Scalar);
    assert_eq!(
        (normalised, rstd, output),
        (native.normalised, native.rstd, native.output)
    );
}

#[test]
#[should_panic(expected = "id 11 is beyond its table")]
fn an_id_beyond_the_table_is_refused() {
    let mut case = Case::new(3, 5, true);
    case.ids[0][1] = VOCABULARY as u32;
    case.passes(None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn the_forward_pass_equals_the_reference(
        tokens in prop_oneof![0_usize..20, Just(131)],
        size in prop_oneof![2_usize..20, Just(97)],
        types: bool, dropped: bool,
    ) {
        let case = Case::new(tokens, size, types);
        let dropout = dropped.then(|| Dropout::new(3, 1, 4, 0.3));
        let passes = case.passes(dropout);
        for (&found, wanted) in passes.output.iter().zip(case.reference(&case.wide(), dropout)) {
            prop_assert!((f64::from(found) - wanted).abs() <= 3e-5 * (1.0 + wanted.abs()));
        }
        if !dropped {
            let mut output = vec![f32::NAN; tokens * size];
            case.embeddings().infer(case.ids(), &mut output);
            prop_assert_eq!(output, passes.output);
        }
    }

    /// Every element of every table, by central differences.
    #[test]
    fn gradients_equal_differences(
        tokens in 0_usize..12, size in 2_usize..9, types: bool, dropped: bool,
    ) {
        let case = Case::new(tokens, size, types);
        let dropout = dropped.then(|| Dropout::new(3, 1, 4, 0.3));
        let passes = case.passes(dropout);
        let mut tables = case.wide();
        let mut found = [vec![], vec![], vec![], passes.weight, passes.bias];
        for table in 0..3 {
            found[table] = vec![0.0; tables[table].len()];
            if !found[table].is_empty() {
                scatter_add_rows(&case.ids[table], &passes.gradient, size, &mut found[table]);
            }
        }
        for table in 0..5 {
            for index in 0..found[table].len() {
                let step = 1e-6;
                let mut at = |shift: f64| {
                    tables[table][index] += shift;
                    let output = case.reference(&tables, dropout);
                    tables[table][index] -= shift;
                    let gradient = case.output_gradient.iter().map(|&g| f64::from(g));
                    output.iter().zip(gradient).map(|(y, g)| y * g).sum::<f64>()
                };
                let wanted = (at(step) - at(-step)) / (2.0 * step);
                let error = (f64::from(found[table][index]) - wanted).abs();
                prop_assert!(error <= 1e-3 * (1.0 + wanted.abs()), "table {table} [{index}]");
            }
        }
    }
}
