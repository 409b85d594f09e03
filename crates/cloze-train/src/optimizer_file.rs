//! The optimizer's state as `optimizer.safetensors`, averaged weights as `ema.safetensors`.

use std::borrow::Cow;
use std::fs;
use std::path::{Path, PathBuf};

use burn::tensor::{Bytes, DType, Device, TensorData};
use cloze_tasks::Task;
use safetensors::{Dtype, SafeTensorError, SafeTensors, View};

use crate::checkpoints::{EMA, OPTIMIZER};
use crate::ema::Ema;
use crate::error::TrainError;
use crate::optimizer::Optimizer;
use crate::step::TrainingStep;

/// A flat tensor as the file format sees it.
struct Flat {
    shape: [usize; 1],
    data: TensorData,
}

impl View for Flat {
    fn dtype(&self) -> Dtype {
        Dtype::F32
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(self.data.as_bytes())
    }

    fn data_len(&self) -> usize {
        self.data.as_bytes().len()
    }
}

/// Writes the state into a checkpoint's folder, beside it the averaged weights if there are any.
pub(crate) fn write(
    folder: &Path,
    optimizer: &Optimizer,
    ema: Option<&Ema>,
) -> Result<(), TrainError> {
    write_tensors(&folder.join(OPTIMIZER), optimizer.tensors())?;
    match ema {
        Some(ema) => write_tensors(&folder.join(EMA), ema.tensors()),
        None => Ok(()),
    }
}

fn write_tensors(path: &Path, tensors: Vec<(String, TensorData)>) -> Result<(), TrainError> {
    let flat = |data: TensorData| Flat {
        shape: [data.num_elements()],
        data,
    };
    let tensors = tensors.into_iter().map(|(name, data)| (name, flat(data)));
    safetensors::serialize_to_file(tensors, None, path).map_err(|error| match error {
        SafeTensorError::IoError(source) => TrainError::write(path, source),
        source => TrainError::OptimizerFile {
            path: path.into(),
            source,
        },
    })
}

fn read_tensors(path: &Path) -> Result<Vec<(String, TensorData)>, TrainError> {
    let bytes = fs::read(path).map_err(|source| TrainError::read(path, source))?;
    let tensors = SafeTensors::deserialize(&bytes).map_err(|source| TrainError::OptimizerFile {
        path: path.into(),
        source,
    })?;
    let data = |view: safetensors::tensor::TensorView<'_>| {
        let bytes = Bytes::from_bytes_vec(view.data().to_vec());
        TensorData::from_bytes(bytes, view.shape(), DType::F32)
    };
    Ok(tensors
        .tensors()
        .into_iter()
        .map(|(name, view)| (name, data(view)))
        .collect())
}

/// Gives a training what [`write`] wrote of it after `steps` steps. `device` is one without
/// autodiff.
pub(crate) fn restore<T: Task>(
    training: &mut TrainingStep<T>,
    steps: u64,
    folder: &Path,
    device: &Device,
) -> Result<(), TrainError> {
    let refuse = |path: PathBuf| |tensor| TrainError::OptimizerState { path, tensor };
    let (model, optimizer, ema) = training.state_mut();
    let path = folder.join(OPTIMIZER);
    optimizer
        .restore(steps, read_tensors(&path)?, device)
        .map_err(refuse(path))?;
    let Some(ema) = ema else {
        return Ok(());
    };
    let path = folder.join(EMA);
    ema.restore(model, steps, read_tensors(&path)?, device)
        .map_err(refuse(path))
}
