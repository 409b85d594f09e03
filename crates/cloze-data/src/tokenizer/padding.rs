use super::{EncodeOptions, Encoding, Padding, Side, Tokenizer, TokenizerError};

impl Tokenizer {
    /// Fills the encodings up to one length, as the options say, those of the overflow too.
    pub(super) fn pad(
        &self,
        encodings: &mut [Encoding],
        options: &EncodeOptions,
    ) -> Result<(), TokenizerError> {
        let multiple = options.pad_to_multiple_of.unwrap_or(1);
        let target = match options.padding {
            Padding::None => return Ok(()),
            Padding::Longest => encodings.iter().map(Encoding::len).max().unwrap_or(0),
            Padding::MaxLength => options
                .max_length
                .or(self.model_max_length())
                .ok_or(TokenizerError::NoMaxLength)?,
        };
        match options.max_length {
            _ if multiple == 0 => return Err(TokenizerError::ZeroMultiple),
            Some(max_length) if !max_length.is_multiple_of(multiple) => {
                return Err(TokenizerError::NotAMultiple {
                    max_length,
                    multiple,
                });
            }
            _ => {}
        }
        let target = target.next_multiple_of(multiple);
        for encoding in encodings {
            encoding.pad(target, self, options);
        }
        Ok(())
    }
}

impl Encoding {
    fn pad(&mut self, target: usize, tokenizer: &Tokenizer, options: &EncodeOptions) {
        for window in &mut self.overflowing {
            window.pad(target, tokenizer, options);
        }
        let Some(missing) = target.checked_sub(self.len()) else {
            return;
        };
        let pad = &tokenizer.special().pad;
        let side = tokenizer.inner.padding_side;
        fill(&mut self.ids, missing, pad.id, side);
        fill(&mut self.type_ids, missing, 0, side);
        fill(&mut self.attention_mask, missing, 0, side);
        if options.alignment {
            fill(&mut self.offsets, missing, (0, 0), side);
            fill(&mut self.word_ids, missing, None, side);
            fill(&mut self.special_tokens_mask, missing, 1, side);
        }
        if options.tokens {
            fill(&mut self.tokens, missing, pad.token.clone(), side);
        }
    }
}

fn fill<T: Clone>(values: &mut Vec<T>, missing: usize, value: T, side: Side) {
    match side {
        Side::Right => values.resize(values.len() + missing, value),
        Side::Left => {
            values.splice(0..0, std::iter::repeat_n(value, missing));
        }
    }
}
