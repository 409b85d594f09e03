use std::num::NonZeroUsize;

use super::{CorpusError, Token, TokenFile};

/// The sequences of a file laid end to end and cut into blocks of one size; the last short block
/// is dropped. A block may begin and end in the middle of a text, or of a word.
#[derive(Debug)]
pub struct Blocks {
    file: TokenFile,
    size: NonZeroUsize,
}

impl Blocks {
    /// The blocks of `size` tokens of a file.
    ///
    /// # Errors
    /// If there is not one.
    pub fn new(file: TokenFile, size: NonZeroUsize) -> Result<Self, CorpusError> {
        if file.tokens() < size.get() as u64 {
            return Err(CorpusError::NoBlock {
                path: file.path().into(),
                tokens: file.tokens(),
                size: size.get(),
            });
        }
        Ok(Self { file, size })
    }

    /// The file.
    pub fn file(&self) -> &TokenFile {
        &self.file
    }

    /// Tokens of a block.
    pub fn size(&self) -> usize {
        self.size.get()
    }

    /// Number of blocks.
    #[expect(
        clippy::len_without_is_empty,
        reason = "a file without a block is refused"
    )]
    pub fn len(&self) -> u64 {
        self.file.tokens() / self.size.get() as u64
    }

    /// Tokens at the end that do not fill a block.
    pub fn dropped(&self) -> u64 {
        self.file.tokens() % self.size.get() as u64
    }

    /// Replaces what `tokens` holds by a block.
    ///
    /// # Errors
    /// If the file cannot be read.
    ///
    /// # Panics
    /// If there are not as many blocks.
    pub fn read(&self, index: u64, tokens: &mut Vec<Token>) -> Result<(), CorpusError> {
        assert!(index < self.len(), "no block {index} in the file");
        let size = self.size.get() as u64;
        self.file
            .read_span(index * size..(index + 1) * size, tokens)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::corpus::TokenFileWriter;

    /// A file of sequences of these lengths, every token with an id of its own.
    fn blocks(lengths: &[usize], size: usize) -> Result<(Blocks, Vec<Token>), CorpusError> {
        let folder = tempfile::tempdir().unwrap();
        let mut writer = TokenFileWriter::create(&folder.path().join("t")).unwrap();
        let mut all = Vec::new();
        for &length in lengths {
            let ids = (all.len()..all.len() + length).map(|id| id as u32);
            let sequence: Vec<Token> = ids.map(Token::new).collect();
            writer.push(&sequence, true).unwrap();
            all.extend(sequence);
        }
        let blocks = Blocks::new(writer.finish().unwrap(), NonZeroUsize::new(size).unwrap())?;
        Ok((blocks, all))
    }

    #[test]
    fn three_texts_make_six_blocks_and_drop_the_rest() {
        let (blocks, _) = blocks(&[363, 304, 133], 128).unwrap();
        assert_eq!((blocks.len(), blocks.dropped()), (6, 32));
    }

    #[test]
    fn texts_that_do_not_fill_a_block_are_refused() {
        let error = blocks(&[100, 27], 128).unwrap_err().to_string();
        assert!(
            error.ends_with("found 127 tokens, wanted enough for a block of 128"),
            "{error}"
        );
    }

    proptest! {
        #[test]
        fn no_token_is_lost_or_repeated_but_the_last_short_block(
            lengths in prop::collection::vec(0_usize..300, 1..8),
            size in 1_usize..200,
        ) {
            let total: usize = lengths.iter().sum();
            let Ok((blocks, all)) = blocks(&lengths, size) else {
                prop_assert!(total < size);
                return Ok(());
            };
            let (mut read, mut block) = (Vec::new(), Vec::new());
            for index in 0..blocks.len() {
                blocks.read(index, &mut block).unwrap();
                prop_assert_eq!(block.len(), size);
                read.append(&mut block);
            }
            prop_assert_eq!(read.len() as u64 + blocks.dropped(), total as u64);
            prop_assert!(blocks.dropped() < size as u64);
            prop_assert_eq!(&read[..], &all[..read.len()]);
        }
    }
}
