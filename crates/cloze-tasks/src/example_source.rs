use std::borrow::Cow;
use std::fmt;

use crate::{Example, TaskError};

/// The examples of a split, in memory or on disk.
///
/// An example may be another one in every epoch, as where masks are drawn anew, and it may then
/// have another length. Of the same index and epoch it is always the same: a run that is resumed
/// asks again. An evaluation asks for epoch 0.
pub trait ExampleSource<T: Clone>: fmt::Debug + Send + Sync {
    /// How many there are.
    fn len(&self) -> usize;

    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The length of [`example`](Self::example) in tokens, found with less work.
    ///
    /// # Errors
    /// If it cannot be read.
    ///
    /// # Panics
    /// If there are not so many examples.
    fn tokens(&self, index: usize, epoch: u64) -> Result<usize, TaskError>;

    /// An example as an epoch, from 0, sees it.
    ///
    /// # Errors
    /// If it cannot be read.
    ///
    /// # Panics
    /// If there are not so many examples.
    fn example(&self, index: usize, epoch: u64) -> Result<Cow<'_, Example<T>>, TaskError>;

    /// Whether they are the same in every epoch, so that something may be kept of them from one to
    /// the next.
    fn is_fixed(&self) -> bool {
        false
    }
}

impl<T: Clone + fmt::Debug + Send + Sync> ExampleSource<T> for Vec<Example<T>> {
    fn len(&self) -> usize {
        self.as_slice().len()
    }

    fn tokens(&self, index: usize, _: u64) -> Result<usize, TaskError> {
        Ok(self[index].ids.len())
    }

    fn example(&self, index: usize, _: u64) -> Result<Cow<'_, Example<T>>, TaskError> {
        Ok(Cow::Borrowed(&self[index]))
    }

    fn is_fixed(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use cloze_data::reports::ExampleFacts;

    use super::*;

    fn example(tokens: usize) -> Example<u8> {
        Example {
            ids: vec![7; tokens],
            type_ids: vec![0; tokens],
            windows: Vec::new(),
            target: 1,
            row: 0,
            facts: ExampleFacts {
                label: None,
                length: tokens,
                tokens,
                unknown: 0,
            },
        }
    }

    #[test]
    fn a_list_is_the_same_in_every_epoch_and_copies_nothing() {
        let list = vec![example(3), example(5)];
        let source: &dyn ExampleSource<u8> = &list;
        assert_eq!((source.len(), source.is_empty()), (2, false));
        for epoch in [0, 9] {
            assert_eq!(source.tokens(1, epoch).unwrap(), 5);
            let read = source.example(1, epoch).unwrap();
            assert!(matches!(read, Cow::Borrowed(found) if std::ptr::eq(found, &list[1])));
        }
        assert!(source.is_fixed());
    }
}
