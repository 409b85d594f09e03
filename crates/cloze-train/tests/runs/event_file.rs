//! Reads TensorBoard's event files, as far as runs write them.

use std::fs;
use std::path::Path;

/// A tag, a step, a value.
pub(crate) type Point = (String, u64, f32);

/// The points of a run's event file, in their order, without those of speed.
pub(crate) fn points(run: &Path) -> Vec<Point> {
    let path = run.join("tensorboard/events.out.tfevents.cloze");
    let Ok(bytes) = fs::read(path) else {
        return Vec::new();
    };
    let mut points: Vec<Point> = records(&bytes).into_iter().flat_map(event).collect();
    points.retain(|(tag, ..)| !tag.ends_with("_per_second"));
    points
}

/// What lies between length, checksum, and checksum.
fn records(mut bytes: &[u8]) -> Vec<&[u8]> {
    let mut records = Vec::new();
    while !bytes.is_empty() {
        let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
        records.push(&bytes[12..12 + length]);
        bytes = &bytes[12 + length + 4..];
    }
    records
}

fn event(bytes: &[u8]) -> Vec<Point> {
    let mut step = 0;
    let mut points = Vec::new();
    for (number, field) in fields(bytes) {
        match (number, field) {
            (2, Field::Number(number)) => step = number,
            (5, Field::Bytes(summary)) => {
                for (_, value) in fields(summary) {
                    let Field::Bytes(value) = value else {
                        panic!("a summary of messages")
                    };
                    points.push(scalar(value));
                }
            }
            _ => (),
        }
    }
    let at_step = |(tag, value)| (tag, step, value);
    points.into_iter().map(at_step).collect()
}

fn scalar(bytes: &[u8]) -> (String, f32) {
    let (mut tag, mut value) = (String::new(), None);
    for (number, field) in fields(bytes) {
        match (number, field) {
            (1, Field::Bytes(bytes)) => tag = String::from_utf8(bytes.to_vec()).unwrap(),
            (2, Field::Bytes(bytes)) => value = Some(f32::from_le_bytes(bytes.try_into().unwrap())),
            _ => (),
        }
    }
    (tag, value.unwrap())
}

enum Field<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

fn fields(mut bytes: &[u8]) -> Vec<(u64, Field<'_>)> {
    let mut fields = Vec::new();
    while !bytes.is_empty() {
        let key = varint(&mut bytes);
        let length = match key & 7 {
            0 => {
                fields.push((key >> 3, Field::Number(varint(&mut bytes))));
                continue;
            }
            1 => 8,
            5 => 4,
            _ => varint(&mut bytes) as usize,
        };
        let (field, rest) = bytes.split_at(length);
        bytes = rest;
        fields.push((key >> 3, Field::Bytes(field)));
    }
    fields
}

fn varint(bytes: &mut &[u8]) -> u64 {
    let mut number = 0;
    for shift in (0..).step_by(7) {
        let (byte, rest) = bytes.split_first().unwrap();
        *bytes = rest;
        number |= u64::from(byte & 0x7F) << shift;
        if byte & 0x80 == 0 {
            break;
        }
    }
    number
}
