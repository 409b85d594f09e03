use super::{LogitsProcessor, Written};
use crate::generation::GenerationSettings;

/// Divides the scores: below 1 what is likely becomes likelier, above 1 everything more alike.
#[derive(Clone, Copy, Debug)]
pub struct Temperature {
    temperature: f32,
}

impl Temperature {
    pub(super) fn of(settings: &GenerationSettings) -> Option<Self> {
        let temperature = settings.temperature as f32;
        (temperature != 1.0).then_some(Self { temperature })
    }
}

impl LogitsProcessor for Temperature {
    fn process(&self, _: &Written<'_>, scores: &mut [f32]) {
        for score in scores {
            *score /= self.temperature;
        }
    }

    fn describe(&self) -> String {
        format!("temperature {}", self.temperature)
    }
}
