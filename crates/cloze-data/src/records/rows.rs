//! Rows of data files as records.

use super::{Damaged, Decoder, Encoder, Record};
use crate::readers::questions::{Answer, Question};
use crate::readers::tagged::TaggedSentence;
use crate::readers::{LabelledText, Value};
use crate::reports::ExampleFacts;

impl Record for Value {
    fn encode(&self, output: &mut Encoder<'_>) {
        match self {
            Self::Null => output.number(0),
            Self::Bool(value) => {
                output.number(1);
                value.encode(output);
            }
            Self::Integer(value) => {
                output.number(2);
                output.bytes(&value.to_le_bytes());
            }
            Self::Float(value) => {
                output.number(3);
                value.encode(output);
            }
            Self::Text(text) => {
                output.number(4);
                output.text(text);
            }
            Self::List(values) => {
                output.number(5);
                values.encode(output);
            }
            Self::Object(entries) => {
                output.number(6);
                entries.encode(output);
            }
            Self::Bytes(bytes) => {
                output.number(7);
                output.size(bytes.len());
                output.bytes(bytes);
            }
        }
    }

    fn decode(input: &mut Decoder<'_>) -> Result<Self, Damaged> {
        Ok(match input.number()? {
            0 => Self::Null,
            1 => Self::Bool(bool::decode(input)?),
            2 => {
                let bytes = input.bytes(size_of::<i64>())?;
                let bytes = bytes.try_into().map_err(|_| Damaged::Bytes)?;
                Self::Integer(i64::from_le_bytes(bytes))
            }
            3 => Self::Float(f64::decode(input)?),
            4 => Self::Text(input.text()?.to_owned()),
            5 => Self::List(Vec::decode(input)?),
            6 => Self::Object(Vec::decode(input)?),
            7 => {
                let count = input.count()?;
                Self::Bytes(input.bytes(count)?.to_vec())
            }
            _ => return Err(Damaged::Bytes),
        })
    }
}

impl<L: Record> Record for LabelledText<L> {
    fn encode(&self, output: &mut Encoder<'_>) {
        output.text(&self.text);
        self.text_pair.encode(output);
        self.label.encode(output);
        self.id.encode(output);
        output.size(self.line);
    }

    fn decode(input: &mut Decoder<'_>) -> Result<Self, Damaged> {
        Ok(Self {
            text: String::decode(input)?,
            text_pair: Option::decode(input)?,
            label: Option::decode(input)?,
            id: Option::decode(input)?,
            line: input.size()?,
        })
    }
}

impl Record for TaggedSentence {
    fn encode(&self, output: &mut Encoder<'_>) {
        self.words.encode(output);
        self.tags.encode(output);
        self.id.encode(output);
        output.size(self.line);
        self.word_lines.encode(output);
    }

    fn decode(input: &mut Decoder<'_>) -> Result<Self, Damaged> {
        Ok(Self {
            words: Vec::decode(input)?,
            tags: Vec::decode(input)?,
            id: Option::decode(input)?,
            line: input.size()?,
            word_lines: Vec::decode(input)?,
        })
    }
}

impl Record for Question {
    fn encode(&self, output: &mut Encoder<'_>) {
        output.text(&self.question);
        output.shared_text(&self.context);
        output.size(self.article);
        self.answers.encode(output);
        self.id.encode(output);
        output.size(self.line);
        output.size(self.number);
    }

    fn decode(input: &mut Decoder<'_>) -> Result<Self, Damaged> {
        Ok(Self {
            question: String::decode(input)?,
            context: input.shared_text()?,
            article: input.size()?,
            answers: Vec::decode(input)?,
            id: Option::decode(input)?,
            line: input.size()?,
            number: input.size()?,
        })
    }
}

impl Record for Answer {
    fn encode(&self, output: &mut Encoder<'_>) {
        output.text(&self.text);
        output.size(self.start);
    }

    fn decode(input: &mut Decoder<'_>) -> Result<Self, Damaged> {
        Ok(Self {
            text: String::decode(input)?,
            start: input.size()?,
        })
    }
}

impl Record for ExampleFacts {
    fn encode(&self, output: &mut Encoder<'_>) {
        self.label.encode(output);
        output.size(self.length);
        output.size(self.tokens);
        output.size(self.unknown);
    }

    fn decode(input: &mut Decoder<'_>) -> Result<Self, Damaged> {
        Ok(Self {
            label: Option::decode(input)?,
            length: input.size()?,
            tokens: input.size()?,
            unknown: input.size()?,
        })
    }
}
