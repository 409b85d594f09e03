//! Features of a frozen encoder: computed once for every different row of a run, kept in a file
//! that other runs of the same model and rows find again, and read from there in every epoch.

mod file;
mod folder;
mod key;
mod rows;

use std::path::{Path, PathBuf};

use burn::tensor::{Device, Tensor, TensorData};
use cloze_core::{EncoderConfig, PackedBatch};
use cloze_tasks::{Example, FrozenFeatures, Task, TaskError};

use crate::StopFlag;
use crate::events::{Event, Observer, SplitName, Warning};
use file::FeatureFile;
use rows::DistinctRows;

pub(crate) use folder::Keep;
pub use folder::cache_folder;

/// Features of all rows of a run.
#[derive(Debug)]
pub(crate) struct Features<F> {
    kind: F,
    store: Store,
    width: usize,
    /// For every example of every split, which of the different rows it is.
    places: [Vec<usize>; 3],
    /// First feature row of each different row and, last, their number.
    offsets: Vec<usize>,
}

#[derive(Debug)]
enum Store {
    InMemory(Vec<f32>),
    InFile(FeatureFile),
}

impl<F: FrozenFeatures> Features<F> {
    pub(crate) fn kind(&self) -> F {
        self.kind
    }

    /// The features of some examples, `[rows, width]`.
    pub(crate) fn select(
        &self,
        split: SplitName,
        examples: impl IntoIterator<Item = usize>,
        device: &Device,
    ) -> Tensor<2> {
        self.read(split, examples).tensor(device)
    }

    /// The same, not yet on a device.
    pub(crate) fn read(
        &self,
        split: SplitName,
        examples: impl IntoIterator<Item = usize>,
    ) -> KeptRows {
        let mut values = Vec::new();
        for example in examples {
            let place = self.places[split as usize][example];
            let rows = self.offsets[place]..self.offsets[place + 1];
            match &self.store {
                Store::InFile(file) => file.read(rows, &mut values),
                Store::InMemory(all) => {
                    values.extend_from_slice(&all[rows.start * self.width..rows.end * self.width])
                }
            }
        }
        KeptRows {
            values,
            width: self.width,
        }
    }
}

/// The features of some examples.
#[derive(Debug)]
pub(crate) struct KeptRows {
    /// `[rows, width]`.
    values: Vec<f32>,
    width: usize,
}

impl KeptRows {
    pub(crate) fn tensor(self, device: &Device) -> Tensor<2> {
        let shape = [self.values.len() / self.width.max(1), self.width];
        Tensor::from_data(TensorData::new(self.values, shape), device)
    }
}

/// Whose features are wanted.
pub(crate) struct Wanted<'a, T: Task> {
    pub(crate) task: &'a T,
    /// Without autodiff.
    pub(crate) model: &'a T::Model,
    pub(crate) config: &'a EncoderConfig,
    /// Fingerprint of the tokenizer.
    pub(crate) tokenizer: &'a str,
    /// What computes.
    pub(crate) device: &'a str,
    /// Train, validation and test.
    pub(crate) splits: [&'a [Example<T::Target>]; 3],
    pub(crate) kind: T::Features,
}

/// What came of it.
pub(crate) struct Obtained<F> {
    /// `None` if the run was asked to stop meanwhile.
    pub(crate) features: Option<Features<F>>,
    /// The file that holds them.
    pub(crate) path: Option<PathBuf>,
    /// Tokens that the encoder has read for them: none if the file had them all.
    pub(crate) tokens: usize,
}

/// Features from their file, or computed and, where there is a folder, kept there. What is wrong
/// with the file or the folder is a warning.
pub(crate) fn obtain<T: Task>(
    wanted: &Wanted<'_, T>,
    folder: Option<&Path>,
    observer: &mut dyn Observer,
    stop: &StopFlag,
) -> Result<Obtained<T::Features>, TaskError> {
    let rows = DistinctRows::of(wanted.splits);
    let offsets = rows.offsets(wanted.kind);
    let total = offsets.last().copied().unwrap_or(0);
    let place = folder.map(|folder| Place::new(folder, wanted, &rows));
    let found = place.as_ref().and_then(|place| place.open(total, observer));
    let mut obtained = Obtained {
        features: None,
        path: None,
        tokens: 0,
    };
    let (store, width) = match found {
        Some(file) if file.rows == total => {
            let width = file.width;
            (Store::InFile(file), width)
        }
        found => {
            let mut computed = Computed::from(found);
            let whole = computed.complete(wanted, &rows, &offsets, observer, stop)?;
            obtained.tokens = computed.tokens;
            let file = place
                .as_ref()
                .and_then(|place| place.keep(&computed, observer));
            if !whole {
                return Ok(obtained);
            }
            let width = computed.width;
            (
                file.map_or(Store::InMemory(computed.values), Store::InFile),
                width,
            )
        }
    };
    if let (Store::InFile(_), Some(place)) = (&store, place) {
        obtained.path = Some(place.path);
    }
    obtained.features = Some(Features {
        kind: wanted.kind,
        store,
        width,
        places: rows.places,
        offsets,
    });
    Ok(obtained)
}

/// A file with its key.
struct Place {
    path: PathBuf,
    key: String,
}

impl Place {
    fn new<T: Task>(folder: &Path, wanted: &Wanted<'_, T>, rows: &DistinctRows<'_>) -> Self {
        let Wanted {
            kind,
            model,
            config,
            tokenizer,
            device,
            ..
        } = wanted;
        let key = key::key(*kind, *model, config, [tokenizer, device], rows);
        Self {
            path: folder.join(format!("{key}.safetensors")),
            key,
        }
    }

    /// The file, if it holds the features or the first of them.
    fn open(&self, total: usize, observer: &mut dyn Observer) -> Option<FeatureFile> {
        let checked = FeatureFile::open(&self.path, &self.key).and_then(|file| match file {
            Some(file) if file.rows > total => {
                Err(format!("it has {} rows instead of {total}", file.rows))
            }
            file => Ok(file),
        });
        checked.unwrap_or_else(|reason| {
            let path = &self.path;
            observer.observe(&Event::Warning(Warning::DamagedFeatures { path, reason }));
            None
        })
    }

    /// Writes what was computed, and opens it again to be read from the file.
    fn keep(&self, computed: &Computed, observer: &mut dyn Observer) -> Option<FeatureFile> {
        if computed.tokens == 0 {
            return None;
        }
        let written = file::write(&self.path, &self.key, &computed.values, computed.width)
            .map_err(|error| error.to_string())
            .and_then(|()| FeatureFile::open(&self.path, &self.key));
        written.unwrap_or_else(|reason| {
            let path = &self.path;
            observer.observe(&Event::Warning(Warning::FeaturesNotKept { path, reason }));
            None
        })
    }
}

/// Features in the making: those of the first rows, `[rows, width]`.
#[derive(Default)]
struct Computed {
    values: Vec<f32>,
    width: usize,
    tokens: usize,
}

impl Computed {
    /// What a stopped computation has left, or nothing.
    fn from(file: Option<FeatureFile>) -> Self {
        let mut computed = Self::default();
        if let Some(file) = file {
            computed.width = file.width;
            file.read(0..file.rows, &mut computed.values);
        }
        computed
    }

    fn rows(&self) -> usize {
        self.values.len() / self.width.max(1)
    }

    /// Runs the encoder over the rows that are still to come, in the batches that a computation
    /// from the start makes. `false` if asked to stop.
    fn complete<T: Task>(
        &mut self,
        wanted: &Wanted<'_, T>,
        rows: &DistinctRows<'_>,
        offsets: &[usize],
        observer: &mut dyn Observer,
        stop: &StopFlag,
    ) -> Result<bool, TaskError> {
        let total = rows.rows.iter().map(|(ids, _)| ids.len()).sum();
        let mut done = 0;
        for batch in rows.batches() {
            let packed = PackedBatch::from_sequences(batch.iter().map(|&row| rows.rows[row]))?;
            done += packed.tokens();
            let (first, last) = (batch[0], batch[batch.len() - 1]);
            if offsets[last + 1] <= self.rows() {
                continue;
            }
            self.values.truncate(offsets[first] * self.width);
            if stop.is_requested() {
                return Ok(false);
            }
            let features = wanted.task.encode(wanted.model, wanted.kind, &packed)?;
            self.width = features.dims()[1];
            self.values.extend(features.into_data().iter::<f32>());
            self.tokens += packed.tokens();
            observer.observe(&Event::ComputingFeatures { done, total });
        }
        Ok(true)
    }
}
