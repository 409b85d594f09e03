//! The safetensors format: eight bytes that say how long the header is, a JSON header that says
//! where every tensor lies, the tensors.
//!
//! The header is read here rather than by the `safetensors` crate so that a broken file is
//! reported with its name, the tensor, what was found and what was wanted. Reference:
//! <https://github.com/huggingface/safetensors#format>.

use std::fmt;
use std::io::{self, Write};
use std::path::Path;

use burn::tensor::TensorData;
use cloze_core::InputError;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::{Map, Value, json};

use super::{StoredType, TensorEntry};

const LENGTH_BYTES: usize = 8;
/// The format's own limit.
const LONGEST_HEADER: usize = 100_000_000;
/// How many numbers are written at once.
const BLOCK: usize = 1 << 16;

#[derive(serde::Deserialize)]
struct HeaderEntry {
    dtype: String,
    shape: Vec<usize>,
    data_offsets: (usize, usize),
}

/// The header in the order of the file, so that a name that stands twice is noticed.
struct Header(Vec<(String, HeaderEntry)>);

impl<'de> Deserialize<'de> for Header {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;
        impl<'de> Visitor<'de> for Entries {
            type Value = Header;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of tensors")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Header, A::Error> {
                let mut entries = Vec::new();
                while let Some(name) = map.next_key::<String>()? {
                    if name == "__metadata__" {
                        map.next_value::<IgnoredAny>()?;
                    } else {
                        entries.push((name, map.next_value()?));
                    }
                }
                Ok(Header(entries))
            }
        }
        deserializer.deserialize_map(Entries)
    }
}

/// Reads and checks the header of a safetensors file, given all of its bytes.
///
/// # Errors
/// If the file is cut short, its header is broken, or a tensor does not lie within the file.
pub(crate) fn entries(path: &Path, bytes: &[u8]) -> Result<Vec<TensorEntry>, InputError> {
    let (header, data_start) = header(path, bytes)?;
    let mut entries = Vec::with_capacity(header.0.len());
    for (name, entry) in header.0 {
        let entry = checked(path, name, entry, data_start, bytes.len() - data_start)?;
        entries.push(entry);
    }
    let mut names: Vec<&str> = entries.iter().map(|entry| entry.name.as_str()).collect();
    names.sort_unstable();
    if let Some(twice) = names.windows(2).find(|pair| pair[0] == pair[1]) {
        let error = InputError::new(path, "two tensors of this name", "one");
        return Err(error.in_field(twice[0]));
    }
    Ok(entries)
}

fn header(path: &Path, bytes: &[u8]) -> Result<(Header, usize), InputError> {
    let error = |found: String, wanted: &str| InputError::new(path, found, wanted);
    let Some((length, rest)) = bytes.split_first_chunk::<LENGTH_BYTES>() else {
        let found = format!("a file of {} bytes", bytes.len());
        return Err(error(found, "a safetensors file"));
    };
    let length = usize::try_from(u64::from_le_bytes(*length)).unwrap_or(usize::MAX);
    if length > LONGEST_HEADER {
        return Err(error(
            format!("a header of {length} bytes"),
            "a safetensors header of up to 100,000,000 bytes",
        ));
    }
    if length > rest.len() {
        return Err(error(
            format!("only {} bytes of it: the file is cut short", rest.len()),
            &format!("a header of {length} bytes"),
        ));
    }
    let header = serde_json::from_slice(&rest[..length]).map_err(|source| {
        error(
            format!("a header that is broken: {source}"),
            "a safetensors header",
        )
    })?;
    Ok((header, LENGTH_BYTES + length))
}

fn checked(
    path: &Path,
    name: String,
    entry: HeaderEntry,
    data_start: usize,
    data_length: usize,
) -> Result<TensorEntry, InputError> {
    let error = |found: String, wanted: String| {
        Err(InputError::new(path, found, wanted).in_field(name.as_str()))
    };
    let Some(stored) = StoredType::from_safetensors(&entry.dtype) else {
        return error(
            format!("numbers of type {:?}", entry.dtype),
            "a type that safetensors knows".into(),
        );
    };
    let (begin, end) = entry.data_offsets;
    if begin > end {
        return error(
            format!("bytes {begin} to {end}"),
            "ascending offsets".into(),
        );
    }
    if end > data_length {
        return error(
            format!("only {data_length} bytes of data: the file is cut short"),
            format!("its bytes {begin} to {end}"),
        );
    }
    let count = entry
        .shape
        .iter()
        .try_fold(1_usize, |n, &size| n.checked_mul(size));
    let wanted = count.and_then(|count| count.checked_mul(stored.bits()));
    if wanted != Some((end - begin) * 8) {
        return error(
            format!("{} bytes", end - begin),
            format!(
                "those of {:?} numbers of type {}",
                entry.shape,
                stored.name()
            ),
        );
    }
    Ok(TensorEntry {
        name,
        stored,
        shape: entry.shape,
        start: data_start + begin,
        strides: None,
    })
}

/// A tensor to be written: its values are asked for when their turn comes, so that never more
/// than one tensor is held twice.
pub(crate) struct NamedTensor {
    /// Name in the file.
    pub(crate) name: String,
    /// Shape of what `values` gives.
    pub(crate) shape: Vec<usize>,
    /// The values, row-major `f32`.
    pub(crate) values: Box<dyn Fn() -> TensorData>,
}

/// Writes tensors as a floating-point type, in the order of their names, with the `format` that
/// `transformers` asks for.
///
/// # Errors
/// Whatever `out` reports.
///
/// # Panics
/// If the type is none that cloze writes: anything but a floating-point type.
pub(crate) fn write(
    out: &mut dyn Write,
    mut tensors: Vec<NamedTensor>,
    stored: StoredType,
) -> io::Result<()> {
    tensors.sort_by(|a, b| a.name.cmp(&b.name));
    let mut header = Map::new();
    header.insert("__metadata__".into(), json!({"format": "pt"}));
    let mut end = 0;
    for tensor in &tensors {
        let begin = end;
        end += tensor.shape.iter().product::<usize>() * stored.bits() / 8;
        header.insert(
            tensor.name.clone(),
            json!({"dtype": stored.name(), "shape": tensor.shape, "data_offsets": [begin, end]}),
        );
    }
    let mut header = serde_json::to_vec(&Value::Object(header))?;
    // Spaces, so that the tensors behind it are aligned.
    header.resize(header.len().next_multiple_of(LENGTH_BYTES), b' ');
    out.write_all(&(header.len() as u64).to_le_bytes())?;
    out.write_all(&header)?;
    for tensor in &tensors {
        let data = (tensor.values)();
        let values = data
            .as_slice::<f32>()
            .map_err(|error| io::Error::other(error.to_string()))?;
        for block in values.chunks(BLOCK) {
            out.write_all(&stored.encode(block))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn file(header: &str, data: usize) -> Vec<u8> {
        let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
        bytes.extend_from_slice(header.as_bytes());
        bytes.resize(bytes.len() + data, 0);
        bytes
    }

    fn error(bytes: &[u8]) -> String {
        let error = entries(Path::new("m/model.safetensors"), bytes).unwrap_err();
        error.to_string()
    }

    const TWO_BY_TWO: &str = r#"{"a":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]}}"#;

    #[test]
    fn a_truncated_file_is_said_to_be_cut_short() {
        let whole = file(TWO_BY_TWO, 16);
        let header_end = whole.len() - 16;
        assert_eq!(
            entries(Path::new("m"), &whole).unwrap()[0].start,
            header_end
        );
        assert_eq!(
            error(&whole[..whole.len() - 1]),
            "m/model.safetensors, field `a`: found only 15 bytes of data: the file is cut short, \
             wanted its bytes 0 to 16"
        );
        assert_eq!(
            error(&whole[..20]),
            "m/model.safetensors: found only 12 bytes of it: the file is cut short, \
             wanted a header of 57 bytes"
        );
        assert_eq!(
            error(&whole[..5]),
            "m/model.safetensors: found a file of 5 bytes, wanted a safetensors file"
        );
    }

    #[test]
    fn a_header_that_contradicts_itself_is_refused() {
        let with = |entry: &str| error(&file(&format!(r#"{{"a":{entry}}}"#), 16));
        assert_eq!(
            with(r#"{"dtype":"F32","shape":[2,3],"data_offsets":[0,16]}"#),
            "m/model.safetensors, field `a`: found 16 bytes, \
             wanted those of [2, 3] numbers of type F32"
        );
        assert_eq!(
            with(r#"{"dtype":"F31","shape":[4],"data_offsets":[0,16]}"#),
            "m/model.safetensors, field `a`: found numbers of type \"F31\", \
             wanted a type that safetensors knows"
        );
        assert_eq!(
            with(r#"{"dtype":"F32","shape":[4],"data_offsets":[16,0]}"#),
            "m/model.safetensors, field `a`: found bytes 16 to 0, wanted ascending offsets"
        );
        let overflow = r#"{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]}"#;
        assert!(with(overflow).contains("found 0 bytes"));
        assert!(error(&file("not json", 0)).contains("a header that is broken"));
        let twice = TWO_BY_TWO.replace(
            "}}",
            r#"},"a":{"dtype":"F32","shape":[],"data_offsets":[0,4]}}"#,
        );
        assert!(error(&file(&twice, 16)).ends_with("found two tensors of this name, wanted one"));
    }

    #[test]
    fn the_safetensors_crate_reads_what_is_written() {
        let tensor = |name: &str, values: Vec<f32>, shape: &[usize]| {
            let (shape, data) = (shape.to_vec(), TensorData::new(values, shape));
            let name = name.to_owned();
            let values = Box::new(move || data.clone());
            NamedTensor {
                name,
                shape,
                values,
            }
        };
        let tensors = vec![
            tensor("b", vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0], &[2, 3]),
            tensor("a", vec![-1.5], &[1]),
        ];
        let mut bytes = Vec::new();
        write(&mut bytes, tensors, StoredType::F32).unwrap();
        let (_, metadata) = safetensors::SafeTensors::read_metadata(&bytes).unwrap();
        assert_eq!(metadata.metadata().as_ref().unwrap()["format"], "pt");
        let read = safetensors::SafeTensors::deserialize(&bytes).unwrap();
        let b = read.tensor("b").unwrap();
        assert_eq!(b.shape(), [2, 3]);
        assert_eq!(&b.data()[4..8], 2.0_f32.to_le_bytes());
        assert_eq!(read.tensor("a").unwrap().data(), (-1.5_f32).to_le_bytes());
        assert_eq!(entries(Path::new("m"), &bytes).unwrap().len(), 2);
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = entries(Path::new("m"), &bytes);
        }

        #[test]
        fn whatever_a_header_says_lies_within_the_file(
            dtype in prop::sample::select(vec!["F32", "F16", "I64", "F4", "X"]),
            shape in prop::collection::vec(prop_oneof![0_u64..5, any::<u64>()], 0..4),
            begin in prop_oneof![0_u64..40, any::<u64>()],
            end in prop_oneof![0_u64..40, any::<u64>()],
            data in 0_usize..40,
        ) {
            let header = json!({"t": {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}});
            let bytes = file(&header.to_string(), data);
            if let Ok(entries) = entries(Path::new("m"), &bytes) {
                let numbers: usize = entries[0].shape.iter().product();
                prop_assert!(entries[0].start + numbers * entries[0].stored.bits() / 8 <= bytes.len());
            }
        }
    }
}
