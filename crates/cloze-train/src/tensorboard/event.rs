//! `Event` messages of TensorFlow's `event.proto`, in the wire format of protocol buffers.

/// The version of the file format that a file's first event names.
const VERSION: &str = "brain.Event:2";

/// The first event of a file. `wall_time` is in seconds since 1970.
pub(super) fn version(wall_time: f64) -> Vec<u8> {
    let mut event = Message::default();
    event.double(1, wall_time);
    event.bytes(3, VERSION.as_bytes());
    event.0
}

/// Scalars of one step, by tag.
pub(super) fn scalars(wall_time: f64, step: u64, scalars: &[(String, f64)]) -> Vec<u8> {
    let mut summary = Message::default();
    for (tag, value) in scalars {
        let mut scalar = Message::default();
        scalar.bytes(1, tag.as_bytes());
        scalar.float(2, *value as f32);
        summary.bytes(1, &scalar.0);
    }
    let mut event = Message::default();
    event.double(1, wall_time);
    if step > 0 {
        event.integer(2, step);
    }
    event.bytes(5, &summary.0);
    event.0
}

/// A message that is being written: numbered fields one after another.
#[derive(Default)]
struct Message(Vec<u8>);

/// How the bytes of a field end.
#[derive(Clone, Copy)]
enum WireType {
    Varint = 0,
    EightBytes = 1,
    LengthDelimited = 2,
    FourBytes = 5,
}

impl Message {
    fn key(&mut self, field: u64, wire_type: WireType) {
        self.varint(field << 3 | wire_type as u64);
    }

    /// Seven bits a byte, the lowest first.
    fn varint(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.0.push(number as u8 | 0x80);
            number >>= 7;
        }
        self.0.push(number as u8);
    }

    fn integer(&mut self, field: u64, number: u64) {
        self.key(field, WireType::Varint);
        self.varint(number);
    }

    fn double(&mut self, field: u64, number: f64) {
        self.key(field, WireType::EightBytes);
        self.0.extend(number.to_le_bytes());
    }

    fn float(&mut self, field: u64, number: f32) {
        self.key(field, WireType::FourBytes);
        self.0.extend(number.to_le_bytes());
    }

    fn bytes(&mut self, field: u64, bytes: &[u8]) {
        self.key(field, WireType::LengthDelimited);
        self.varint(bytes.len() as u64);
        self.0.extend(bytes);
    }
}
