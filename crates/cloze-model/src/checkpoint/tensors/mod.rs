//! The tensors of a checkpoint folder, whichever format they are stored in.

mod index;
pub(crate) mod safetensors;
mod store;
mod stored_type;
mod torch_archive;
mod unpickler;
mod weights_file;

pub use store::TensorStore;
pub use stored_type::StoredType;
pub(crate) use weights_file::{TensorEntry, WeightsFile};
