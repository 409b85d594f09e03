//! The optimizer's state as `optimizer.safetensors`.

use std::borrow::Cow;
use std::fs;
use std::path::Path;

use burn::tensor::{Bytes, DType, Device, TensorData};
use safetensors::{Dtype, SafeTensorError, SafeTensors, View};

use crate::checkpoints::OPTIMIZER;
use crate::error::TrainError;
use crate::optimizer::Optimizer;

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

/// Writes the state into a checkpoint's folder.
pub(crate) fn write(folder: &Path, optimizer: &Optimizer) -> Result<(), TrainError> {
    let path = folder.join(OPTIMIZER);
    let flat = |data: TensorData| Flat {
        shape: [data.num_elements()],
        data,
    };
    let tensors = optimizer
        .tensors()
        .into_iter()
        .map(|(name, data)| (name, flat(data)));
    safetensors::serialize_to_file(tensors, None, &path).map_err(|error| match error {
        SafeTensorError::IoError(source) => TrainError::write(&path, source),
        source => TrainError::OptimizerFile { path, source },
    })
}

/// Reads what [`write`] wrote.
pub(crate) fn read(folder: &Path) -> Result<Vec<(String, TensorData)>, TrainError> {
    let path = folder.join(OPTIMIZER);
    let bytes = fs::read(&path).map_err(|source| TrainError::read(&path, source))?;
    let tensors = SafeTensors::deserialize(&bytes).map_err(|source| TrainError::OptimizerFile {
        path: path.clone(),
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

/// Gives an optimizer the state that it had after `steps` steps, on a device without autodiff.
pub(crate) fn restore(
    optimizer: &mut Optimizer,
    steps: u64,
    state: Vec<(String, TensorData)>,
    folder: &Path,
    device: &Device,
) -> Result<(), TrainError> {
    optimizer
        .restore(steps, state, device)
        .map_err(|tensor| TrainError::OptimizerState {
            path: folder.join(OPTIMIZER),
            tensor,
        })
}
