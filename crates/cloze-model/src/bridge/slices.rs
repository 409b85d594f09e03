//! Tensors of the CPU device as slices, and back.

use burn::backend::flex::{FlexTensor, Layout};
use burn::backend::{DispatchDevice, Flex};
use burn::tensor::{Bytes, DType, Shape, Tensor};
use cloze_kernels::buffers;

/// Whether the kernels can work on a tensor: `f32` in the memory of the CPU, with or without
/// autodiff.
pub(super) fn is_cpu<const D: usize>(tensor: &Tensor<D>) -> bool {
    let device = tensor.device().inner();
    tensor.dtype() == DType::F32 && matches!(device.as_dispatch(), DispatchDevice::Flex(_))
}

/// A tensor of the CPU device, without autodiff, whose storage holds its elements in order and
/// nothing else.
pub(super) fn into_slices<const D: usize>(tensor: Tensor<D>) -> FlexTensor {
    let tensor = tensor
        .try_into_primitive::<Flex>()
        // Callers looked at the device with `is_cpu`.
        .expect("a tensor on the CPU device is the CPU backend's");
    compact(tensor)
}

/// The tensor itself, or a copy of a view.
pub(super) fn compact(tensor: FlexTensor) -> FlexTensor {
    let elements = tensor.layout().num_elements();
    if tensor.is_contiguous() && tensor.storage::<f32>().len() == elements {
        tensor
    } else {
        tensor.to_contiguous()
    }
}

/// A tensor of these elements; they are not copied.
pub(super) fn from_vec(elements: Vec<f32>, shape: impl Into<Shape>) -> FlexTensor {
    let layout = Layout::contiguous(shape.into());
    FlexTensor::new(Bytes::from_elems(elements), layout, DType::F32)
}

/// Leaves the memory of a tensor that has done its work to the next one, unless somebody else
/// still holds it.
pub(super) fn reclaim(tensor: FlexTensor) {
    let bytes = tensor.data_arc();
    drop(tensor);
    if let Some(bytes) = std::sync::Arc::into_inner(bytes)
        && let Ok(buffer) = bytes.try_into_vec::<f32>()
    {
        buffers::give(buffer);
    }
}
