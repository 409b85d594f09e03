//! How records become bytes: whole numbers in as few bytes as they need, seven bits each, texts with
//! their length before them.

use std::sync::Arc;

use super::{RecordError, SharedTexts, SharedTextsWriter};

/// Bytes of the greatest number.
pub(super) const LONGEST_NUMBER: usize = 10;

/// Something that can be kept as bytes.
pub trait Record: Sized {
    /// Writes it.
    fn encode(&self, output: &mut Encoder<'_>);

    /// Reads what [`encode`](Self::encode) has written.
    ///
    /// # Errors
    /// If it is something else.
    fn decode(input: &mut Decoder<'_>) -> Result<Self, Damaged>;
}

/// Why a record cannot be read.
#[derive(Debug)]
pub enum Damaged {
    /// Its bytes are not what was written.
    Bytes,
    /// A text that it has in common with others cannot be read.
    Text(Box<RecordError>),
}

/// Takes the parts of a record.
#[derive(Debug)]
pub struct Encoder<'a> {
    bytes: &'a mut Vec<u8>,
    texts: &'a mut SharedTextsWriter,
}

impl<'a> Encoder<'a> {
    pub(super) fn new(bytes: &'a mut Vec<u8>, texts: &'a mut SharedTextsWriter) -> Self {
        Self { bytes, texts }
    }

    /// A whole number.
    pub fn number(&mut self, number: u64) {
        let mut rest = number;
        while rest >= 0x80 {
            self.bytes.push(rest as u8 | 0x80);
            rest >>= 7;
        }
        self.bytes.push(rest as u8);
    }

    /// A length, or a place.
    pub fn size(&mut self, size: usize) {
        self.number(size as u64);
    }

    /// Bytes, as many as are known when they are read.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// A text.
    pub fn text(&mut self, text: &str) {
        self.size(text.len());
        self.bytes(text.as_bytes());
    }

    /// A text that the records before and behind may have as well, and that is kept once for all of
    /// them.
    pub fn shared_text(&mut self, text: &Arc<str>) {
        let number = self.texts.number(text);
        self.number(number);
    }
}

/// Gives the parts of a record back.
#[derive(Clone, Copy)]
pub struct Decoder<'a> {
    rest: &'a [u8],
    texts: Option<&'a SharedTexts>,
}

impl std::fmt::Debug for Decoder<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Decoder")
            .field("rest", &self.rest.len())
            .finish_non_exhaustive()
    }
}

impl<'a> Decoder<'a> {
    pub(super) fn new(bytes: &'a [u8], texts: Option<&'a SharedTexts>) -> Self {
        Self { rest: bytes, texts }
    }

    /// Whether all was read.
    pub fn is_at_end(&self) -> bool {
        self.rest.is_empty()
    }

    /// A whole number.
    ///
    /// # Errors
    /// If there is none.
    pub fn number(&mut self) -> Result<u64, Damaged> {
        let mut number = 0_u64;
        for place in 0..LONGEST_NUMBER {
            let (&byte, rest) = self.rest.split_first().ok_or(Damaged::Bytes)?;
            self.rest = rest;
            let bits = u64::from(byte & 0x7F);
            if place + 1 == LONGEST_NUMBER && byte > 1 {
                break;
            }
            number |= bits << (7 * place);
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(Damaged::Bytes)
    }

    /// A length, or a place.
    ///
    /// # Errors
    /// If there is none.
    pub fn size(&mut self) -> Result<usize, Damaged> {
        usize::try_from(self.number()?).map_err(|_| Damaged::Bytes)
    }

    /// A number of 32 bits.
    ///
    /// # Errors
    /// If there is none.
    pub fn small(&mut self) -> Result<u32, Damaged> {
        u32::try_from(self.number()?).map_err(|_| Damaged::Bytes)
    }

    /// How many items follow, each of at least one byte.
    ///
    /// # Errors
    /// If there cannot be so many.
    pub fn count(&mut self) -> Result<usize, Damaged> {
        let count = self.size()?;
        if count > self.rest.len() {
            return Err(Damaged::Bytes);
        }
        Ok(count)
    }

    /// So many bytes.
    ///
    /// # Errors
    /// If there are not so many.
    pub fn bytes(&mut self, count: usize) -> Result<&'a [u8], Damaged> {
        let (bytes, rest) = self.rest.split_at_checked(count).ok_or(Damaged::Bytes)?;
        self.rest = rest;
        Ok(bytes)
    }

    /// A text.
    ///
    /// # Errors
    /// If there is none.
    pub fn text(&mut self) -> Result<&'a str, Damaged> {
        let length = self.count()?;
        std::str::from_utf8(self.bytes(length)?).map_err(|_| Damaged::Bytes)
    }

    /// A text that several records have in common.
    ///
    /// # Errors
    /// If there is none.
    pub fn shared_text(&mut self) -> Result<Arc<str>, Damaged> {
        let number = self.number()?;
        let texts = self.texts.ok_or(Damaged::Bytes)?;
        let text = texts.text(number);
        text.map_err(|error| Damaged::Text(Box::new(error)))
    }
}

impl Record for usize {
    fn encode(&self, output: &mut Encoder<'_>) {
        output.size(*self);
    }

    fn decode(input: &mut Decoder<'_>) -> Result<Self, Damaged> {
        input.size()
    }
}

impl Record for u32 {
    fn encode(&self, output: &mut Encoder<'_>) {
        output.number(u64::from(*self));
    }

    fn decode(input: &mut Decoder<'_>) -> Result<Self, Damaged> {
        input.small()
    }
}

impl Record for f64 {
    fn encode(&self, output: &mut Encoder<'_>) {
        output.bytes(&self.to_le_bytes());
    }

    fn decode(input: &mut Decoder<'_>) -> Result<Self, Damaged> {
        let bytes = input.bytes(size_of::<Self>())?;
        let bytes = bytes.try_into().map_err(|_| Damaged::Bytes)?;
        Ok(Self::from_le_bytes(bytes))
    }
}

impl Record for bool {
    fn encode(&self, output: &mut Encoder<'_>) {
        output.number(u64::from(*self));
    }

    fn decode(input: &mut Decoder<'_>) -> Result<Self, Damaged> {
        match input.number()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(Damaged::Bytes),
        }
    }
}

impl Record for () {
    fn encode(&self, _: &mut Encoder<'_>) {}

    fn decode(_: &mut Decoder<'_>) -> Result<Self, Damaged> {
        Ok(())
    }
}

impl Record for String {
    fn encode(&self, output: &mut Encoder<'_>) {
        output.text(self);
    }

    fn decode(input: &mut Decoder<'_>) -> Result<Self, Damaged> {
        Ok(input.text()?.to_owned())
    }
}

impl<R: Record> Record for Option<R> {
    fn encode(&self, output: &mut Encoder<'_>) {
        self.is_some().encode(output);
        if let Some(value) = self {
            value.encode(output);
        }
    }

    fn decode(input: &mut Decoder<'_>) -> Result<Self, Damaged> {
        Ok(match bool::decode(input)? {
            true => Some(R::decode(input)?),
            false => None,
        })
    }
}

/// Of items of at least one byte each.
impl<R: Record> Record for Vec<R> {
    fn encode(&self, output: &mut Encoder<'_>) {
        output.size(self.len());
        self.iter().for_each(|item| item.encode(output));
    }

    fn decode(input: &mut Decoder<'_>) -> Result<Self, Damaged> {
        let count = input.count()?;
        (0..count).map(|_| R::decode(input)).collect()
    }
}

impl<A: Record, B: Record> Record for (A, B) {
    fn encode(&self, output: &mut Encoder<'_>) {
        self.0.encode(output);
        self.1.encode(output);
    }

    fn decode(input: &mut Decoder<'_>) -> Result<Self, Damaged> {
        Ok((A::decode(input)?, B::decode(input)?))
    }
}
