//! Examples that are kept as records: in memory where they are few, otherwise in a file.

use std::borrow::Cow;
use std::fmt;

use cloze_data::records::{Damaged, Decoder, Encoder, Record, Records};
use cloze_data::reports::ExampleFacts;

use crate::{Example, ExampleSource, TaskError};

/// The number of tokens comes first, so that it is found without reading the rest.
impl<T: Record> Record for Example<T> {
    fn encode(&self, output: &mut Encoder<'_>) {
        self.ids.encode(output);
        let runs = self.type_ids.chunk_by(|a, b| a == b);
        let runs: Vec<(u32, usize)> = runs.map(|run| (run[0], run.len())).collect();
        runs.encode(output);
        self.windows.encode(output);
        output.size(self.row);
        self.facts.encode(output);
        self.target.encode(output);
    }

    fn decode(input: &mut Decoder<'_>) -> Result<Self, Damaged> {
        let ids: Vec<u32> = Vec::decode(input)?;
        let mut type_ids = Vec::with_capacity(ids.len());
        for (type_id, count) in Vec::<(u32, usize)>::decode(input)? {
            if count > ids.len() - type_ids.len() {
                return Err(Damaged::Bytes);
            }
            type_ids.resize(type_ids.len() + count, type_id);
        }
        Ok(Self {
            ids,
            type_ids,
            windows: Vec::decode(input)?,
            row: input.size()?,
            facts: ExampleFacts::decode(input)?,
            target: T::decode(input)?,
        })
    }
}

impl<T: Record + Clone + fmt::Debug + Send + Sync> ExampleSource<T> for Records<Example<T>> {
    fn len(&self) -> usize {
        Self::len(self)
    }

    fn tokens(&self, index: usize, _: u64) -> Result<usize, TaskError> {
        Ok(self.first_number(index)? as usize)
    }

    fn example(&self, index: usize, _: u64) -> Result<Cow<'_, Example<T>>, TaskError> {
        Ok(Cow::Owned(self.get(index)?))
    }

    fn is_fixed(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use cloze_data::question_windows::QuestionWindow;
    use cloze_data::records::RecordsWriter;
    use cloze_model::losses::SpanPositions;
    use proptest::prelude::*;

    use super::*;
    use crate::TagTarget;
    use crate::question_answering::{Asked, SpanTarget};
    use crate::token_classification::TaggedToken;

    /// What comes back of examples with these targets, all of it from a file.
    fn kept<T: Record + Clone + fmt::Debug + Send + Sync>(
        examples: &[Example<T>],
    ) -> Vec<Example<T>> {
        let folder = tempfile::tempdir().unwrap();
        let mut writer = RecordsWriter::with_memory(folder.path(), 0);
        examples
            .iter()
            .for_each(|example| writer.push(example).unwrap());
        let records = writer.finish().unwrap();
        let source: &dyn ExampleSource<T> = &records;
        assert_eq!((source.len(), source.is_fixed()), (examples.len(), true));
        let all = (0..source.len()).map(|index| {
            assert_eq!(source.tokens(index, 3).unwrap(), examples[index].ids.len());
            source.example(index, 3).unwrap().into_owned()
        });
        all.collect()
    }

    fn example<T: Clone + fmt::Debug>(
        target: impl Strategy<Value = T>,
    ) -> impl Strategy<Value = Example<T>> {
        let tokens = prop::collection::vec((any::<u32>(), 0_u32..3), 1..40);
        let facts = (any::<Option<usize>>(), any::<[usize; 3]>());
        let windows = prop::collection::vec(any::<usize>(), 0..3);
        (tokens, target, windows, any::<usize>(), facts).prop_map(
            |(tokens, target, windows, row, facts)| Example {
                ids: tokens.iter().map(|token| token.0).collect(),
                type_ids: tokens.iter().map(|token| token.1).collect(),
                windows,
                target,
                row,
                facts: ExampleFacts {
                    label: facts.0,
                    length: facts.1[0],
                    tokens: facts.1[1],
                    unknown: facts.1[2],
                },
            },
        )
    }

    fn examples<T: Clone + fmt::Debug>(
        target: impl Strategy<Value = T>,
    ) -> impl Strategy<Value = Vec<Example<T>>> {
        prop::collection::vec(example(target), 0..70)
    }

    fn tags() -> impl Strategy<Value = TagTarget> {
        let token = (any::<usize>(), any::<usize>(), any::<Option<u32>>());
        let tokens = prop::collection::vec(token, 0..9);
        (tokens, any::<[usize; 3]>()).prop_map(|(tokens, [sentence, length, words])| TagTarget {
            sentence,
            length,
            words,
            tokens: tokens
                .into_iter()
                .map(|(position, label, word)| TaggedToken {
                    position,
                    label,
                    word,
                })
                .collect(),
        })
    }

    fn span() -> impl Strategy<Value = SpanTarget> {
        let tokens = prop::collection::vec((any::<u32>(), 0_u32..2, any::<(u32, u32)>()), 2..9);
        let answers = prop::collection::vec(any::<String>(), 0..3);
        let places = (
            any::<Option<usize>>(),
            any::<Option<usize>>(),
            any::<[usize; 2]>(),
        );
        (tokens, answers, places, any::<bool>()).prop_map(
            |(tokens, answers, (start, end, [index, windows]), is_cut)| SpanTarget {
                positions: SpanPositions { start, end },
                window: Arc::new(QuestionWindow {
                    ids: tokens.iter().map(|token| token.0).collect(),
                    type_ids: tokens.iter().map(|token| token.1).collect(),
                    context: 2..tokens.len(),
                    offsets: tokens[2..].iter().map(|token| token.2).collect(),
                }),
                asked: Arc::new(Asked {
                    index,
                    windows,
                    is_cut,
                    context: answers.concat().into(),
                    answers,
                }),
            },
        )
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn classes_come_back(examples in examples(any::<usize>())) {
            prop_assert_eq!(kept(&examples), examples);
        }

        #[test]
        fn lists_of_classes_come_back(
            examples in examples(prop::collection::vec(any::<usize>(), 0..4)),
        ) {
            prop_assert_eq!(kept(&examples), examples);
        }

        #[test]
        fn numbers_come_back_to_the_bit(examples in examples(any::<u64>().prop_map(f64::from_bits))) {
            let bits = |examples: &[Example<f64>]| -> Vec<u64> {
                examples.iter().map(|example| example.target.to_bits()).collect()
            };
            prop_assert_eq!(bits(&kept(&examples)), bits(&examples));
        }

        #[test]
        fn tags_come_back(examples in examples(tags())) {
            prop_assert_eq!(kept(&examples), examples);
        }

        #[test]
        fn spans_come_back(examples in examples(span())) {
            let found = kept(&examples);
            for (found, example) in found.iter().zip(&examples) {
                prop_assert_eq!(&found.ids, &example.ids);
                let (found, wanted) = (&found.target, &example.target);
                prop_assert_eq!(&found.window, &wanted.window);
                prop_assert_eq!(&found.asked, &wanted.asked);
                prop_assert_eq!(found.positions.start, wanted.positions.start);
                prop_assert_eq!(found.positions.end, wanted.positions.end);
            }
        }
    }
}
