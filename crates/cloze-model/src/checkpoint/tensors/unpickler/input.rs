//! The bytes of a pickle, read from front to back.

use super::object::{Object, UnpickleError};

/// What is left of a pickle.
pub(super) struct Input<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Input<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// How many bytes were read.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    pub(super) fn broken(&self, what: &'static str) -> UnpickleError {
        UnpickleError::Broken { at: self.at, what }
    }

    pub(super) fn take(&mut self, count: usize) -> Result<&[u8], UnpickleError> {
        let end = self
            .at
            .checked_add(count)
            .filter(|&end| end <= self.bytes.len());
        let end = end.ok_or(UnpickleError::Truncated)?;
        let taken = &self.bytes[self.at..end];
        self.at = end;
        Ok(taken)
    }

    pub(super) fn byte(&mut self) -> Result<u8, UnpickleError> {
        Ok(self.take(1)?[0])
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], UnpickleError> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    pub(super) fn length4(&mut self) -> Result<usize, UnpickleError> {
        // A negative or too large length fails in `take`.
        Ok(u32::from_le_bytes(self.array()?) as usize)
    }

    pub(super) fn length8(&mut self) -> Result<usize, UnpickleError> {
        usize::try_from(u64::from_le_bytes(self.array()?)).map_err(|_| UnpickleError::Truncated)
    }

    pub(super) fn text(&mut self, length: usize) -> Result<Object, UnpickleError> {
        let text = std::str::from_utf8(self.take(length)?).map(str::to_owned);
        text.map(Object::Text)
            .map_err(|_| self.broken("a text that is not UTF-8"))
    }

    pub(super) fn line(&mut self) -> Result<String, UnpickleError> {
        let rest = &self.bytes[self.at..];
        let length = rest.iter().position(|&byte| byte == b'\n');
        let length = length.ok_or(UnpickleError::Truncated)?;
        let line = std::str::from_utf8(&rest[..length]).map(str::to_owned);
        self.at += length + 1;
        line.map_err(|_| self.broken("a name that is not UTF-8"))
    }

    pub(super) fn decimal(&mut self) -> Result<Object, UnpickleError> {
        let line = self.line()?;
        match line.as_str() {
            "00" => Ok(Object::Bool(false)),
            "01" => Ok(Object::Bool(true)),
            digits => digits
                .parse()
                .map(Object::Int)
                .map_err(|_| self.broken("a number that is none")),
        }
    }

    /// A two's complement number of up to eight bytes.
    pub(super) fn long(&mut self, length: usize) -> Result<Object, UnpickleError> {
        let bytes = self.take(length)?;
        if length > 8 {
            return Err(self.broken("a number above 2^63"));
        }
        let sign = bytes
            .last()
            .map_or(0, |&byte| if byte > 0x7f { 0xff } else { 0 });
        let mut extended = [sign; 8];
        extended[..length].copy_from_slice(bytes);
        Ok(Object::Int(i64::from_le_bytes(extended)))
    }
}
