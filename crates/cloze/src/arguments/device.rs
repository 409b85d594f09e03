use clap::builder::{PossibleValue, TypedValueParser};
use clap::{Args, error};
use cloze_model::device::{Backend, ComputeDevice, DeviceError, DeviceName};

use crate::failure::Usage;

/// Where a command computes.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct DeviceArguments {
    /// Compute on this device; `:N` behind the name takes the one with this number, from 0
    #[arg(long, value_name = "NAME", default_value = "cpu", value_parser = DeviceNameParser)]
    device: DeviceName,
}

impl DeviceArguments {
    /// The device, tried out.
    pub(crate) fn open(self) -> anyhow::Result<ComputeDevice> {
        ComputeDevice::open(self.device).map_err(|error| match error {
            DeviceError::NotBuiltIn { .. } => Usage::from(error).into(),
            error => error.into(),
        })
    }
}

/// Parses a [`DeviceName`] and tells help and shell completion the names.
#[derive(Clone, Debug)]
struct DeviceNameParser;

impl TypedValueParser for DeviceNameParser {
    type Value = DeviceName;

    fn parse_ref(
        &self,
        command: &clap::Command,
        argument: Option<&clap::Arg>,
        value: &std::ffi::OsStr,
    ) -> Result<DeviceName, error::Error> {
        let parse = |text: &str| text.parse::<DeviceName>();
        parse.parse_ref(command, argument, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue>>> {
        let value = |backend: Backend| PossibleValue::new(backend.name()).help(help(backend));
        Some(Box::new(Backend::ALL.into_iter().map(value)))
    }
}

/// A line on what a backend is, and whether it can be chosen.
fn help(backend: Backend) -> String {
    let what = match backend {
        Backend::Cpu => "the processor, all cores",
        Backend::CpuComposed => "the processor without its fused layers: slower, for comparisons",
        Backend::Vulkan => "a graphics processor, by Vulkan",
        Backend::WebGpu => "a graphics processor, by any interface that wgpu finds",
        Backend::Cuda => "an NVIDIA graphics processor, by CUDA",
        Backend::Rocm => "an AMD graphics processor, by ROCm",
        Backend::Metal => "an Apple graphics processor, by Metal",
    };
    if backend.is_built_in() {
        what.into()
    } else {
        format!("{what} (not in this build)")
    }
}
