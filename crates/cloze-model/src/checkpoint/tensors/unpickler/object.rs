use thiserror::Error;

use crate::checkpoint::tensors::StoredType;

/// Where a value stands in the arena.
pub(crate) type Id = usize;

/// What a pickle is made of.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Object {
    None,
    Bool(bool),
    Int(i64),
    Float,
    Text(String),
    Bytes,
    List(Vec<Id>),
    Tuple(Vec<Id>),
    Set,
    Dict(Vec<(Id, Id)>),
    Global(Global),
    /// What `Global` would have been called with.
    Call(Global, Id),
    /// An object that the archive holds outside the pickle, by its persistent id.
    Persistent(Id),
}

/// The names that a checkpoint may refer to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Global {
    /// `collections.OrderedDict`
    OrderedDict,
    /// `torch._utils._rebuild_tensor_v2` and its predecessor: a view of a storage.
    RebuildTensor,
    /// `torch._utils._rebuild_parameter`: a tensor that is trained.
    RebuildParameter,
    /// `torch.Size`
    Size,
    /// `torch.FloatStorage` and its kin.
    Storage(StoredType),
}

impl Global {
    pub(super) fn named(module: &str, name: &str) -> Result<Self, UnpickleError> {
        let storage = || {
            name.strip_suffix("Storage")
                .and_then(StoredType::from_torch)
        };
        match (module, name) {
            ("collections", "OrderedDict") => Ok(Self::OrderedDict),
            ("torch._utils", "_rebuild_tensor_v2" | "_rebuild_tensor") => Ok(Self::RebuildTensor),
            ("torch._utils", "_rebuild_parameter" | "_rebuild_parameter_with_state") => {
                Ok(Self::RebuildParameter)
            }
            ("torch", "Size") => Ok(Self::Size),
            _ => match storage().filter(|_| module == "torch") {
                Some(stored) => Ok(Self::Storage(stored)),
                None => Err(UnpickleError::Global {
                    name: format!("{module}.{name}"),
                }),
            },
        }
    }
}

/// Why a pickle cannot be read.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub(crate) enum UnpickleError {
    #[error("its pickle ends early")]
    Truncated,
    #[error("an opcode 0x{opcode:02x} at byte {at} of its pickle")]
    Opcode { opcode: u8, at: usize },
    #[error("a reference to `{name}`")]
    Global { name: String },
    #[error("a pickle that is broken at byte {at}: {what}")]
    Broken { at: usize, what: &'static str },
}
