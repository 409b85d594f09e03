//! The examples of a split and where they come from, in the making and to be read.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use cloze_data::readers::Value;
use cloze_data::records::{Damaged, Decoder, Encoder, Record, RecordError, Records, RecordsWriter};
use cloze_tasks::{Example, ExampleSource, TaskError};

/// Where records are kept that do not stay in memory: beside what else cloze keeps, as the folder of
/// temporary files may be in memory itself.
pub(super) fn records_folder(cache: Option<&Path>) -> PathBuf {
    cache.map_or_else(std::env::temp_dir, Path::to_path_buf)
}

/// Examples of one split.
#[derive(Clone, Debug)]
pub(crate) struct SplitData<T: Clone> {
    pub(crate) file: PathBuf,
    pub(crate) examples: Arc<dyn ExampleSource<T>>,
    /// Where each example comes from; empty where they come from no single row, as the blocks of
    /// a corpus do.
    pub(crate) origins: Arc<Records<RowOrigin>>,
}

impl<T: Clone> SplitData<T> {
    /// Row numbers, as far as the examples come from single rows.
    pub(super) fn rows(&self) -> Result<Option<Vec<usize>>, RecordError> {
        if self.origins.len() != self.examples.len() {
            return Ok(None);
        }
        let rows = self.row_origins();
        let rows = rows.map(|origin| Ok(origin?.row));
        rows.collect::<Result<_, _>>().map(Some)
    }

    /// The line of the file that an example comes from, if one can be named.
    pub(crate) fn line(&self, example: usize) -> Option<usize> {
        let is_known = example < self.origins.len();
        is_known
            .then(|| self.origins.get(example).ok())
            .flatten()
            .map(|origin| origin.line)
    }

    /// Where each row comes from: the windows of a long one stand side by side.
    pub(crate) fn row_origins(&self) -> impl Iterator<Item = Result<RowOrigin, RecordError>> + '_ {
        let mut last = None;
        self.origins.iter().filter(move |origin| {
            let row = origin.as_ref().ok().map(|origin| origin.row);
            let is_new = row.is_none() || row != last;
            last = row;
            is_new
        })
    }
}

/// Where an example comes from.
#[derive(Clone, Debug)]
pub(crate) struct RowOrigin {
    /// Number of the row in its file, from 0; rows that were skipped count.
    pub(crate) row: usize,
    /// Line of the file, from 1.
    pub(crate) line: usize,
    /// The row's own identifier.
    pub(crate) id: Option<Value>,
}

impl Record for RowOrigin {
    fn encode(&self, output: &mut Encoder<'_>) {
        output.size(self.row);
        output.size(self.line);
        self.id.encode(output);
    }

    fn decode(input: &mut Decoder<'_>) -> Result<Self, Damaged> {
        Ok(Self {
            row: input.size()?,
            line: input.size()?,
            id: Option::decode(input)?,
        })
    }
}

/// A split in the making.
pub(super) struct SplitWriter<T> {
    examples: RecordsWriter<Example<T>>,
    origins: RecordsWriter<RowOrigin>,
}

impl<T: Record + Clone + std::fmt::Debug + Send + Sync + 'static> SplitWriter<T> {
    /// With its files, if it needs some, in this folder.
    pub(super) fn new(folder: &Path) -> Self {
        Self {
            examples: RecordsWriter::new(folder),
            origins: RecordsWriter::new(folder),
        }
    }

    pub(super) fn push(
        &mut self,
        example: &Example<T>,
        origin: &RowOrigin,
    ) -> Result<(), RecordError> {
        self.examples.push(example)?;
        self.origins.push(origin)
    }

    /// The split; `file` is that of its rows.
    pub(super) fn finish(self, file: &Path) -> Result<SplitData<T>, RecordError> {
        Ok(SplitData {
            file: file.into(),
            examples: Arc::new(self.examples.finish()?),
            origins: Arc::new(self.origins.finish()?),
        })
    }
}

/// All examples of a source that are the same in every epoch, in memory.
pub(crate) fn in_memory<T: Clone>(
    source: &dyn ExampleSource<T>,
) -> Result<Vec<Example<T>>, TaskError> {
    let example = |index| Ok(source.example(index, 0)?.into_owned());
    (0..source.len()).map(example).collect()
}

/// Tells the numbers of a file's rows, from 0, of which some were skipped.
#[derive(Clone, Debug, Default)]
pub(super) struct RowNumbers {
    /// Lines of those that were skipped, ascending.
    skipped: Vec<usize>,
}

impl RowNumbers {
    pub(super) fn new(skipped: impl Iterator<Item = usize>) -> Self {
        Self {
            skipped: skipped.collect(),
        }
    }

    /// The number of the row that is the `index`th of those that were not skipped, and stands on
    /// this line.
    pub(super) fn number(&self, index: usize, line: usize) -> usize {
        index + self.skipped.partition_point(|skipped| *skipped < line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_that_were_skipped_have_numbers_too() {
        let numbers = RowNumbers::new([2, 5, 6].into_iter());
        let lines = [1, 3, 4, 7];
        let found: Vec<usize> = (0..)
            .zip(lines)
            .map(|(i, line)| numbers.number(i, line))
            .collect();
        assert_eq!(found, [0, 2, 3, 6]);
    }

    #[test]
    fn a_row_of_several_examples_is_told_once() {
        let mut writer = SplitWriter::<usize>::new(&std::env::temp_dir());
        for row in [0, 0, 3, 4, 4, 4] {
            let example = Example {
                ids: vec![1],
                type_ids: vec![0],
                windows: Vec::new(),
                target: 0,
                row,
                facts: cloze_data::reports::ExampleFacts {
                    label: None,
                    length: 1,
                    tokens: 1,
                    unknown: 0,
                },
            };
            let origin = RowOrigin {
                row,
                line: row + 1,
                id: None,
            };
            writer.push(&example, &origin).unwrap();
        }
        let split = writer.finish(Path::new("a.csv")).unwrap();
        assert_eq!(
            (split.examples.len(), split.rows().unwrap()),
            (6, Some(vec![0, 3, 4]))
        );
        assert_eq!(in_memory(&*split.examples).unwrap()[5].row, 4);
    }
}
