use std::any::Any;
use std::fmt;
use std::panic::{self, AssertUnwindSafe, PanicHookInfo};
use std::sync::{Arc, Mutex, PoisonError};

use burn::tensor::{Device, Tensor};
use thiserror::Error;

use super::name::{Backend, DeviceName};
use crate::bridge::compose_layers;

/// A device that has been found to compute.
#[derive(Clone, Debug)]
pub struct ComputeDevice {
    name: DeviceName,
    /// What the driver calls it, where there is one.
    hardware: Option<String>,
    device: Device,
}

/// Why a device cannot be used.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum DeviceError {
    /// The program was built without it.
    #[error(
        "this build has no device `{name}`: it has {}; `cargo build --release --features {}` makes \
         one that has it",
        Backend::built_in().join(", "),
        .name.backend.name()
    )]
    NotBuiltIn {
        /// What was asked for.
        name: DeviceName,
    },
    /// The machine has no such device, or no driver for it.
    #[error("there is no device `{}:{}`: {}", .name.backend.name(), .name.number, found(*.name, *.count))]
    NotFound {
        /// What was asked for.
        name: DeviceName,
        /// How many devices its backend has found.
        count: usize,
    },
    /// It is there, and fails at a small computation.
    #[error("the device `{name}` fails at a small computation: {reason}")]
    Fails {
        /// What was asked for.
        name: DeviceName,
        /// What the tensor library said, or the wrong result.
        reason: String,
    },
}

/// What a search for a device has found.
fn found(name: DeviceName, count: usize) -> String {
    let backend = name.backend.name();
    match count {
        0 => format!("found no device for {backend} on this machine; is its driver installed?"),
        1 => format!("found one device for {backend}, number 0"),
        count => format!(
            "found {count} devices for {backend}, numbers 0 to {}",
            count - 1
        ),
    }
}

impl Default for ComputeDevice {
    fn default() -> Self {
        Self {
            name: DeviceName::default(),
            hardware: None,
            device: Device::flex(),
        }
    }
}

impl ComputeDevice {
    /// Finds a device and has it compute something small. For `cpu-composed` this also turns off
    /// the fused layers of the CPU, for the whole process.
    ///
    /// # Errors
    /// If this build or this machine has no such device, or it does not compute.
    pub fn open(name: DeviceName) -> Result<Self, DeviceError> {
        let fails = |reason| DeviceError::Fails { name, reason };
        let devices = without_panic(|| devices(name.backend)).map_err(fails)?;
        let mut devices = devices.ok_or(DeviceError::NotBuiltIn { name })?;
        if name.number >= devices.len() {
            let count = devices.len();
            return Err(DeviceError::NotFound { name, count });
        }
        let device = devices.swap_remove(name.number);
        without_panic(|| try_out(&device))
            .and_then(|result| result)
            .map_err(fails)?;
        if name.backend == Backend::CpuComposed {
            compose_layers();
        }
        Ok(Self {
            name,
            hardware: without_panic(|| hardware(&device)).ok().flatten(),
            device,
        })
    }

    /// The name that it was opened by.
    pub fn name(&self) -> DeviceName {
        self.name
    }

    /// The device, without autodiff.
    pub fn device(&self) -> &Device {
        &self.device
    }
}

/// `cpu`, or `vulkan (NVIDIA GeForce RTX 3060)`.
impl fmt::Display for ComputeDevice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.hardware {
            Some(hardware) => write!(f, "{} ({hardware})", self.name),
            None => self.name.fmt(f),
        }
    }
}

/// The devices of a backend, in the order of their numbers; `None` if this build lacks it.
fn devices(backend: Backend) -> Option<Vec<Device>> {
    match backend {
        Backend::Cpu | Backend::CpuComposed => Some(vec![Device::flex()]),
        #[cfg(feature = "vulkan")]
        Backend::Vulkan => Some(enumerate(burn::tensor::DeviceType::Vulkan)),
        // `DeviceType::WebGpu` is the interface of browsers; outside of one it finds nothing.
        #[cfg(feature = "webgpu")]
        Backend::WebGpu => Some(enumerate(burn::tensor::DeviceType::Wgpu)),
        #[cfg(feature = "cuda")]
        Backend::Cuda => Some(enumerate(burn::tensor::DeviceType::Cuda)),
        #[cfg(feature = "rocm")]
        Backend::Rocm => Some(enumerate(burn::tensor::DeviceType::Rocm)),
        #[cfg(feature = "metal")]
        Backend::Metal => Some(enumerate(burn::tensor::DeviceType::Metal)),
        #[allow(
            unreachable_patterns,
            reason = "a build with every feature has every device"
        )]
        _ => None,
    }
}

/// Computes a matrix product and compares it with what it has to be.
fn try_out(device: &Device) -> Result<(), String> {
    let matrix = Tensor::<2>::from_floats([[1.0, 2.0], [3.0, 4.0]], device);
    let product = matrix.clone().matmul(matrix).into_data();
    let found: Vec<f32> = product.try_to_vec().map_err(|error| format!("{error:?}"))?;
    let wanted = [7.0, 10.0, 15.0, 22.0];
    if found == wanted {
        Ok(())
    } else {
        Err(format!(
            "found the matrix product {found:?}, wanted {wanted:?}"
        ))
    }
}

#[cfg(any(
    feature = "vulkan",
    feature = "webgpu",
    feature = "cuda",
    feature = "rocm",
    feature = "metal"
))]
fn enumerate(kind: burn::tensor::DeviceType) -> Vec<Device> {
    Device::enumerate(kind).into_iter().collect()
}

/// What the driver calls the device.
#[cfg(any(
    feature = "vulkan",
    feature = "webgpu",
    feature = "cuda",
    feature = "rocm",
    feature = "metal"
))]
fn hardware(device: &Device) -> Option<String> {
    device.identity().map(|identity| identity.name)
}

/// The CPU has no driver.
#[cfg(not(any(
    feature = "vulkan",
    feature = "webgpu",
    feature = "cuda",
    feature = "rocm",
    feature = "metal"
)))]
fn hardware(_: &Device) -> Option<String> {
    None
}

/// Runs `work`, in which the tensor library panics where a driver is broken or missing. Its message,
/// from whichever thread, becomes the error instead of being printed.
fn without_panic<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    // The hook is the process's: one at a time.
    static HOOK: Mutex<()> = Mutex::new(());
    let _held = HOOK.lock().unwrap_or_else(PoisonError::into_inner);
    let messages = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&messages);
    let hook = panic::take_hook();
    panic::set_hook(Box::new(move |info: &PanicHookInfo<'_>| {
        let message = text_of(info.payload());
        seen.lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(message);
    }));
    let result = panic::catch_unwind(AssertUnwindSafe(work));
    panic::set_hook(hook);
    result.map_err(|payload| {
        // The first panic is the cause: one thread's makes those fail that wait for it.
        let mut messages = messages.lock().unwrap_or_else(PoisonError::into_inner);
        match messages.is_empty() {
            true => text_of(&*payload),
            false => messages.swap_remove(0),
        }
    })
}

/// What a panic says, on one line.
fn text_of(payload: &(dyn Any + Send)) -> String {
    let text = match payload.downcast_ref::<String>() {
        Some(text) => text.as_str(),
        None => payload.downcast_ref::<&str>().unwrap_or(&"no message"),
    };
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(name: &str) -> Result<ComputeDevice, String> {
        ComputeDevice::open(name.parse().unwrap()).map_err(|error| error.to_string())
    }

    #[test]
    fn the_processor_is_there_once() {
        let device = open("cpu").unwrap();
        assert_eq!(device.to_string(), "cpu");
        assert_eq!(*device.device(), Device::flex());
        assert_eq!(
            open("cpu:1").unwrap_err(),
            "there is no device `cpu:1`: found one device for cpu, number 0"
        );
    }

    #[test]
    #[cfg(not(feature = "cuda"))]
    fn a_device_that_was_not_built_in_is_named_with_its_feature() {
        let message = open("cuda:3").unwrap_err();
        assert!(
            message.starts_with("this build has no device `cuda:3`: it has cpu, cpu-composed"),
            "{message}"
        );
        assert!(
            message.contains("`cargo build --release --features cuda`"),
            "{message}"
        );
    }

    #[test]
    fn what_was_found_instead_is_counted() {
        let message = |number, count| {
            let backend = Backend::Vulkan;
            let name = DeviceName { backend, number };
            DeviceError::NotFound { name, count }.to_string()
        };
        assert_eq!(
            message(0, 0),
            "there is no device `vulkan:0`: found no device for vulkan on this machine; is its \
             driver installed?"
        );
        assert!(message(1, 1).ends_with("found one device for vulkan, number 0"));
        assert!(message(4, 3).ends_with("found 3 devices for vulkan, numbers 0 to 2"));
    }

    #[test]
    fn a_panic_becomes_an_error_that_tells_its_cause() {
        let in_a_thread = || {
            let worker = std::thread::spawn(|| panic!("no\n  driver"));
            worker
                .join()
                .map_err(|_| "lost")
                .expect("the worker answers");
        };
        assert_eq!(without_panic(in_a_thread), Err("no driver".into()));
        assert_eq!(without_panic(|| 3), Ok(3));
    }
}
