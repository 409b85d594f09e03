//! Where tensors are computed: a device's name as users write it, and the device itself, tried out
//! before anything depends on it.
//!
//! The CPU is in every build. The others are features of the same name: `vulkan`, `webgpu`,
//! `cuda`, `rocm`, `metal`.

mod name;
mod open;

pub use name::{Backend, DeviceName, DeviceNameError};
pub use open::{ComputeDevice, DeviceError};
