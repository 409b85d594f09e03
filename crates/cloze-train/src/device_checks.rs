//! What a configuration asks for that not every device can do.

use cloze_model::Precision;
use cloze_model::device::{Backend, ComputeDevice};

use crate::config::TrainConfig;
use crate::error::TrainError;

/// Refuses what the device of a run cannot do.
pub(crate) fn check(config: &TrainConfig, device: &ComputeDevice) -> Result<(), TrainError> {
    let backend = device.name().backend;
    let refuse = |field, found: String, wanted: &str| {
        Err(TrainError::Device {
            field,
            found,
            device: device.to_string(),
            wanted: wanted.into(),
        })
    };
    if config.gradient_checkpointing && backend != Backend::Cpu {
        let wanted = "false: the layers of the device `cpu` alone are computed again";
        return refuse("train.gradient_checkpointing", "true".into(), wanted);
    }
    let precision = Precision::from(config.precision);
    if precision == Precision::F32 {
        return Ok(());
    }
    let found = format!("{:?}", precision.name());
    if matches!(backend, Backend::Cpu | Backend::CpuComposed) {
        let wanted = "\"f32\": the processor computes with 16 bits no faster";
        return refuse("train.precision", found, wanted);
    }
    if !device.device().supports_dtype(precision.dtype()) {
        let wanted = "\"f32\": the device does not compute with this type";
        return refuse("train.precision", found, wanted);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::PrecisionConfig;

    #[test]
    fn what_the_processor_cannot_do_is_refused() {
        let message = |config: TrainConfig, device: &str| {
            let device = ComputeDevice::open(device.parse().unwrap()).unwrap();
            check(&config, &device).map_err(|error| error.to_string())
        };
        let precise = |precision| TrainConfig {
            precision,
            ..TrainConfig::default()
        };
        assert_eq!(message(TrainConfig::default(), "cpu"), Ok(()));
        assert_eq!(
            message(precise(PrecisionConfig::Bf16), "cpu").unwrap_err(),
            "field `train.precision`: found \"bf16\" on the device cpu, wanted \"f32\": the \
             processor computes with 16 bits no faster"
        );
        let checkpointing = TrainConfig {
            gradient_checkpointing: true,
            ..TrainConfig::default()
        };
        assert_eq!(message(checkpointing, "cpu"), Ok(()));
    }
}
