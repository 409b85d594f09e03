use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// What runs the tensor operations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Backend {
    /// The processor, with fused encoder layers.
    #[default]
    Cpu,
    /// The processor, with encoder layers composed of single operations, as on the other devices.
    CpuComposed,
    /// Graphics processors by Vulkan.
    Vulkan,
    /// Graphics processors by whichever interface wgpu finds.
    WebGpu,
    /// NVIDIA's graphics processors by CUDA.
    Cuda,
    /// AMD's graphics processors by ROCm.
    Rocm,
    /// Apple's graphics processors by Metal.
    Metal,
}

impl Backend {
    /// All of them, whether or not this build has them.
    pub const ALL: [Self; 7] = [
        Self::Cpu,
        Self::CpuComposed,
        Self::Vulkan,
        Self::WebGpu,
        Self::Cuda,
        Self::Rocm,
        Self::Metal,
    ];

    /// As a user writes it. Except on the CPU it is also the name of the Cargo feature.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::CpuComposed => "cpu-composed",
            Self::Vulkan => "vulkan",
            Self::WebGpu => "webgpu",
            Self::Cuda => "cuda",
            Self::Rocm => "rocm",
            Self::Metal => "metal",
        }
    }

    /// Whether this build has it.
    pub fn is_built_in(self) -> bool {
        match self {
            Self::Cpu | Self::CpuComposed => true,
            Self::Vulkan => cfg!(feature = "vulkan"),
            Self::WebGpu => cfg!(feature = "webgpu"),
            Self::Cuda => cfg!(feature = "cuda"),
            Self::Rocm => cfg!(feature = "rocm"),
            Self::Metal => cfg!(feature = "metal"),
        }
    }

    /// The names of those that this build has.
    pub fn built_in() -> Vec<&'static str> {
        let built_in = Self::ALL
            .into_iter()
            .filter(|backend| backend.is_built_in());
        built_in.map(Self::name).collect()
    }
}

/// A device as a user writes it: `cpu`, or with a number, `cuda:1`. The number counts the devices
/// of a backend from 0; without one the first is meant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct DeviceName {
    /// What runs the operations.
    pub backend: Backend,
    /// Which of its devices, from 0.
    pub number: usize,
}

/// Why a text names no device.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum DeviceNameError {
    /// There is no such backend.
    #[error("found \"{found}\", wanted {}", names())]
    Backend {
        /// What stands there.
        found: String,
    },
    /// What follows the colon is no number.
    #[error("found \"{found}\" behind the colon, wanted the device's number, as in `{backend}:0`")]
    Number {
        /// The name before the colon.
        backend: &'static str,
        /// What stands behind it.
        found: String,
    },
}

/// `cpu, …, rocm or metal`
fn names() -> String {
    let names = Backend::ALL.map(Backend::name);
    let (last, others) = names.split_last().unwrap_or((&"", &[]));
    format!("{} or {last}", others.join(", "))
}

impl From<Backend> for DeviceName {
    fn from(backend: Backend) -> Self {
        Self { backend, number: 0 }
    }
}

impl FromStr for DeviceName {
    type Err = DeviceNameError;

    fn from_str(text: &str) -> Result<Self, DeviceNameError> {
        let (name, number) = match text.split_once(':') {
            Some((name, number)) => (name, Some(number)),
            None => (text, None),
        };
        let backend = Backend::ALL
            .into_iter()
            .find(|backend| backend.name() == name)
            .ok_or_else(|| DeviceNameError::Backend { found: name.into() })?;
        let number = match number {
            // `parse` alone would let `+1` pass.
            Some(digits) if !digits.bytes().all(|byte| byte.is_ascii_digit()) => None,
            Some(digits) => digits.parse().ok(),
            None => Some(0),
        };
        let found = || text[name.len() + 1..].to_owned();
        let number = number.ok_or_else(|| DeviceNameError::Number {
            backend: backend.name(),
            found: found(),
        })?;
        Ok(Self { backend, number })
    }
}

/// Without the number where it is 0.
impl fmt::Display for DeviceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.number {
            0 => f.write_str(self.backend.name()),
            number => write!(f, "{}:{number}", self.backend.name()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<DeviceName, String> {
        text.parse::<DeviceName>()
            .map_err(|error| error.to_string())
    }

    #[test]
    fn every_backend_is_named_with_and_without_a_number() {
        for backend in Backend::ALL {
            let name = backend.name();
            assert_eq!(parse(name), Ok(backend.into()));
            assert_eq!(parse(&format!("{name}:0")), Ok(backend.into()));
            let number = 12;
            let twelfth = DeviceName { backend, number };
            assert_eq!(parse(&format!("{name}:12")), Ok(twelfth));
            assert_eq!(twelfth.to_string(), format!("{name}:12"));
            assert_eq!(DeviceName::from(backend).to_string(), name);
        }
    }

    #[test]
    fn other_names_are_refused_with_a_list_of_those_that_there_are() {
        for found in ["gpu", "", "CPU", "cpu ", "vulkan0", "cud"] {
            assert_eq!(
                parse(found).unwrap_err(),
                format!(
                    "found \"{found}\", wanted cpu, cpu-composed, vulkan, webgpu, cuda, rocm or \
                     metal"
                )
            );
        }
        assert!(parse("gpu:1").unwrap_err().starts_with("found \"gpu\","));
    }

    #[test]
    fn a_number_has_nothing_but_digits() {
        for found in [
            "",
            "one",
            "-1",
            "+1",
            "1:2",
            " 1",
            "99999999999999999999999",
        ] {
            assert_eq!(
                parse(&format!("cuda:{found}")).unwrap_err(),
                format!(
                    "found \"{found}\" behind the colon, wanted the device's number, as in \
                     `cuda:0`"
                )
            );
        }
    }

    #[test]
    fn the_processor_is_in_every_build_and_comes_first() {
        assert_eq!(DeviceName::default().to_string(), "cpu");
        assert_eq!(Backend::built_in()[..2], ["cpu", "cpu-composed"]);
        let expected = 2
            + usize::from(cfg!(feature = "vulkan"))
            + usize::from(cfg!(feature = "webgpu"))
            + usize::from(cfg!(feature = "cuda"))
            + usize::from(cfg!(feature = "rocm"))
            + usize::from(cfg!(feature = "metal"));
        assert_eq!(Backend::built_in().len(), expected);
    }
}
