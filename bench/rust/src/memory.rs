use std::fs;

use anyhow::{Context, Result};
use serde::Serialize;

/// What a process held before it loaded its model, and the most that it held: the difference is
/// what the model and the work on it took.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Memory {
    /// Resident bytes before the model was loaded.
    pub resident_before: u64,
    /// The most resident bytes so far.
    pub peak: u64,
}

impl Memory {
    /// Looks at the memory before the model is loaded.
    ///
    /// # Errors
    /// If the system does not tell, as only Linux does.
    pub fn before_loading() -> Result<Self> {
        let resident_before = status("VmRSS:")?;
        Ok(Self {
            resident_before,
            peak: resident_before,
        })
    }

    /// The same with the peak up to now.
    ///
    /// # Errors
    /// As [`before_loading`](Self::before_loading).
    pub fn with_peak(self) -> Result<Self> {
        let peak = status("VmHWM:")?;
        Ok(Self { peak, ..self })
    }
}

/// A number of `/proc/self/status`, in bytes.
fn status(field: &str) -> Result<u64> {
    const FILE: &str = "/proc/self/status";
    let text = fs::read_to_string(FILE).context(FILE)?;
    let value = text.lines().find_map(|line| line.strip_prefix(field));
    let kibibytes = value.and_then(|value| value.trim().strip_suffix(" kB"));
    let kibibytes = kibibytes.with_context(|| format!("{FILE} has no {field}"))?;
    Ok(kibibytes.trim().parse::<u64>()? * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn the_peak_grows_by_what_is_held() {
        let before = Memory::before_loading().unwrap();
        let held = vec![1_u8; 32 << 20];
        let after = before.with_peak().unwrap();
        assert!(after.peak - after.resident_before > held.len() as u64 / 2);
    }
}
