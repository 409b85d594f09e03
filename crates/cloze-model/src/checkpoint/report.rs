/// Which tensors a checkpoint and a model did not share.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LoadReport {
    /// Tensors of the model that the checkpoint lacks, by their names in `transformers`; they
    /// were initialised anew.
    pub missing: Vec<String>,
    /// Tensors of the checkpoint that the model has no use for.
    pub unexpected: Vec<String>,
}

impl LoadReport {
    /// What a user should know, a line for each of the two; no lines if all tensors were shared.
    pub fn lines(&self) -> Vec<String> {
        let line = |what: &str, names: &[String]| {
            (!names.is_empty()).then(|| format!("{what}: {}", names.join(", ")))
        };
        let missing = line("not in the checkpoint, newly initialised", &self.missing);
        let unexpected = line("in the checkpoint, but not used", &self.unexpected);
        missing.into_iter().chain(unexpected).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_and_unexpected_tensors_take_a_line_each() {
        let report = LoadReport {
            missing: vec!["classifier.weight".into(), "classifier.bias".into()],
            unexpected: vec!["cls.predictions.bias".into()],
        };
        assert_eq!(
            report.lines(),
            [
                "not in the checkpoint, newly initialised: classifier.weight, classifier.bias",
                "in the checkpoint, but not used: cls.predictions.bias",
            ]
        );
        assert!(LoadReport::default().lines().is_empty());
    }
}
