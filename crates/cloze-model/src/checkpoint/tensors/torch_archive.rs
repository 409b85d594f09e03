//! `pytorch_model.bin`: a zip archive of one pickle, which names tensors and their storages, and
//! one uncompressed file a storage.
//!
//! Reference: `torch/serialization.py`, `_save`. The pickle is read by [`super::unpickler`],
//! which executes nothing.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::io::{Cursor, Read};
use std::ops::Range;
use std::path::Path;

use cloze_core::InputError;
use zip::{CompressionMethod, ZipArchive};

use super::unpickler::{Global, Id, Object, Pickle};
use super::{StoredType, TensorEntry};
use crate::checkpoint::CheckpointError;

/// The first bytes of the pickled magic number of the format before torch 1.6.
const LEGACY_MAGIC: &[u8] = b"\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.";

/// As many as torch allows.
const MOST_DIMENSIONS: usize = 64;

/// Reads the table of contents of a torch archive, given all of its bytes.
///
/// # Errors
/// If the file is no such archive, is cut short, refers to anything but tensors, or a tensor
/// does not lie within its storage.
pub(crate) fn entries(path: &Path, bytes: &[u8]) -> Result<Vec<TensorEntry>, CheckpointError> {
    if bytes
        .get(2..)
        .is_some_and(|rest| rest.starts_with(LEGACY_MAGIC))
    {
        return Err(CheckpointError::LegacyTorch { path: path.into() });
    }
    let archive = Archive::open(path, bytes)?;
    let pickle = Pickle::read(&bytes[archive.pickle.clone()]).map_err(|error| {
        InputError::new(
            path,
            error.to_string(),
            "a dictionary of tensors, pickled by torch",
        )
    })?;
    let Object::Dict(items) = pickle.root() else {
        let error = InputError::new(path, "something else", "a dictionary of tensors");
        return Err(error.into());
    };
    let reader = StateDict {
        path,
        archive: &archive,
        pickle: &pickle,
    };
    // As in Python, the last of two equal keys wins. Looking at keys by their place in the pickle
    // first, a file cannot make many copies of one long name.
    let (mut entries, mut seen) = (Vec::new(), HashSet::new());
    for &(key, value) in items.iter().rev() {
        if seen.insert(key) {
            entries.extend(reader.entry(key, value)?);
        }
    }
    entries.reverse();
    if entries.is_empty() {
        let found = "a dictionary without tensors";
        return Err(InputError::new(path, found, "a dictionary of tensors").into());
    }
    Ok(entries)
}

/// Where the files of the archive lie.
struct Archive {
    pickle: Range<usize>,
    /// By the key that the pickle uses.
    storages: HashMap<String, Range<usize>>,
}

impl Archive {
    fn open(path: &Path, bytes: &[u8]) -> Result<Self, InputError> {
        let broken = |found: String| {
            InputError::new(path, found, "a whole zip archive as torch.save writes it")
        };
        let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(|error| {
            broken(format!(
                "a file that is no archive or is cut short ({error})"
            ))
        })?;
        let (mut pickle, mut storages) = (None, HashMap::new());
        for index in 0..archive.len() {
            let mut file = archive
                .by_index_raw(index)
                .map_err(|error| broken(format!("a broken entry ({error})")))?;
            // Everything lies in one folder, whose name varies.
            let full_name = file.name().map(Cow::into_owned).unwrap_or_default();
            let Some((_, name)) = full_name.split_once('/') else {
                continue;
            };
            if name == "byteorder" {
                let mut order = String::new();
                let read = file.by_ref().take(16).read_to_string(&mut order);
                if read.is_err() || order.trim() != "little" {
                    return Err(broken(format!("numbers in {order:?} byte order")));
                }
            } else if name == "data.pkl" || name.starts_with("data/") {
                let range = place(&file, bytes.len())
                    .ok_or_else(|| broken(format!("a compressed or cut entry `{name}`")))?;
                match name.strip_prefix("data/") {
                    Some(key) => drop(storages.insert(key.to_owned(), range)),
                    None => pickle = Some(range),
                }
            }
        }
        let pickle = pickle.ok_or_else(|| broken("an archive without `data.pkl`".into()))?;
        Ok(Self { pickle, storages })
    }
}

fn place(file: &zip::read::ZipFile<'_, Cursor<&[u8]>>, length: usize) -> Option<Range<usize>> {
    if file.compression() != CompressionMethod::Stored {
        return None;
    }
    let start = usize::try_from(file.data_start()?).ok()?;
    let end = start.checked_add(usize::try_from(file.size()).ok()?)?;
    (end <= length).then_some(start..end)
}

struct StateDict<'a> {
    path: &'a Path,
    archive: &'a Archive,
    pickle: &'a Pickle,
}

struct Storage<'a> {
    stored: StoredType,
    bytes: &'a Range<usize>,
}

impl<'a> StateDict<'a> {
    /// The tensor behind a key; nothing for values that are no tensors.
    fn entry(&self, key: Id, value: Id) -> Result<Option<TensorEntry>, InputError> {
        let Object::Text(name) = self.pickle.get(key) else {
            return Ok(None);
        };
        match self.tensor(name, value) {
            Ok(entry) => Ok(entry),
            Err(what) => {
                let error = InputError::new(self.path, what, "a tensor as torch.save writes it");
                Err(error.in_field(name.as_str()))
            }
        }
    }

    fn tensor(&self, name: &str, value: Id) -> Result<Option<TensorEntry>, String> {
        let arguments = match self.pickle.get(value) {
            Object::Call(Global::RebuildTensor, arguments) => *arguments,
            Object::Call(Global::RebuildParameter, arguments) => {
                // A parameter is its first argument, which a crafted file can make a parameter
                // again: one level is all that torch writes.
                let inner = self
                    .tuple(*arguments)?
                    .first()
                    .map(|&id| self.pickle.get(id));
                match inner {
                    Some(Object::Call(Global::RebuildTensor, arguments)) => *arguments,
                    _ => return Err("a parameter without a tensor".into()),
                }
            }
            _ => return Ok(None),
        };
        let [storage, offset, shape, strides, ..] = self.tuple(arguments)? else {
            return Err("a tensor with too few arguments".into());
        };
        let storage = self.storage(*storage)?;
        let offset = self.size(*offset)?;
        let (shape, strides) = (self.sizes(*shape)?, self.sizes(*strides)?);
        entry_in(name, &storage, offset, shape, strides).map(Some)
    }

    fn storage(&self, id: Id) -> Result<Storage<'a>, String> {
        let Object::Persistent(id) = self.pickle.get(id) else {
            return Err("a tensor without a storage".into());
        };
        let [_, class, key, ..] = self.tuple(*id)? else {
            return Err("a storage that is not described".into());
        };
        let (Object::Global(Global::Storage(stored)), Object::Text(key)) =
            (self.pickle.get(*class), self.pickle.get(*key))
        else {
            return Err("a storage of an unknown kind".into());
        };
        let bytes = self.archive.storages.get(key);
        let bytes = bytes.ok_or_else(|| format!("no storage `data/{key}`"))?;
        Ok(Storage {
            stored: *stored,
            bytes,
        })
    }

    fn tuple(&self, id: Id) -> Result<&'a [Id], String> {
        match self.pickle.get(id) {
            Object::Tuple(items) | Object::List(items) => Ok(items),
            _ => Err("something else than a tuple".into()),
        }
    }

    fn size(&self, id: Id) -> Result<usize, String> {
        match self.pickle.get(id) {
            Object::Int(size) => usize::try_from(*size).map_err(|_| format!("the size {size}")),
            _ => Err("a size that is no number".into()),
        }
    }

    fn sizes(&self, id: Id) -> Result<Vec<usize>, String> {
        let sizes = self.tuple(id)?;
        if sizes.len() > MOST_DIMENSIONS {
            return Err(format!("{} dimensions", sizes.len()));
        }
        sizes.iter().map(|&id| self.size(id)).collect()
    }
}

/// Checks that every number of a view lies within its storage.
fn entry_in(
    name: &str,
    storage: &Storage<'_>,
    offset: usize,
    shape: Vec<usize>,
    strides: Vec<usize>,
) -> Result<TensorEntry, String> {
    let width = storage.stored.bits() / 8;
    let capacity = storage.bytes.len() / width;
    if shape.len() != strides.len() {
        return Err(format!(
            "{} sizes and {} strides",
            shape.len(),
            strides.len()
        ));
    }
    let count = shape
        .iter()
        .try_fold(1_usize, |n, &size| n.checked_mul(size));
    let reach = shape
        .iter()
        .zip(&strides)
        .try_fold(offset, |at, (&size, &stride)| {
            at.checked_add(size.saturating_sub(1).checked_mul(stride)?)
        });
    let fits = match (count, reach) {
        (Some(0), _) => true,
        // A tensor larger than its storage repeats numbers, which no weight does.
        (Some(count), Some(reach)) => count <= capacity && reach < capacity,
        _ => false,
    };
    if !fits {
        return Err(format!(
            "shape {shape:?}, strides {strides:?} and offset {offset} in a storage of {capacity} numbers"
        ));
    }
    let start = if shape.contains(&0) {
        0
    } else {
        offset * width
    };
    let strides = (!row_major(&shape, &strides)).then_some(strides);
    Ok(TensorEntry {
        name: name.into(),
        stored: storage.stored,
        shape,
        start: storage.bytes.start + start,
        strides,
    })
}

fn row_major(shape: &[usize], strides: &[usize]) -> bool {
    let mut wanted = 1;
    for (&size, &stride) in shape.iter().zip(strides).rev() {
        if size != 1 && stride != wanted {
            return false;
        }
        // Without a number there is nothing to find, and sizes are as they may be.
        wanted = size.saturating_mul(wanted);
    }
    true
}
