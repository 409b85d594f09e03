use std::path::{Path, PathBuf};

use cloze_core::{ConfigError, ConfigJson, EncoderConfig, LabelSet};

use super::{CheckpointError, ClozeSettings, ProblemType, TensorStore, label_names};
use crate::architectures::{self, ARCHITECTURES, Architecture, ModelClass};
use crate::heads::ClassificationHeadConfig;

/// A checkpoint folder: its `config.json`, read and understood. The weights are only looked at
/// by [`tensors`](Self::tensors) and the `load_…` functions.
#[derive(Clone, Debug)]
pub struct Checkpoint {
    folder: PathBuf,
    config: ConfigJson,
    architecture: &'static dyn Architecture,
    encoder_config: EncoderConfig,
    settings: Option<ClozeSettings>,
}

/// The file of a model's folder that holds how it is to write texts. Users make it, not training.
pub const GENERATION_CONFIG: &str = "generation_config.json";

impl Checkpoint {
    /// Whether `config.json` names this class of `transformers`.
    pub(super) fn is_of_class(&self, class: ModelClass) -> bool {
        let class = self.architecture().class_name(class);
        let named = self.config().get("architectures");
        named.and_then(|names| names.get(0)?.as_str()) == Some(class.as_str())
    }

    /// Reads the `config.json` of a folder.
    ///
    /// # Errors
    /// If there is no such folder or file, the architecture is not one of cloze's, or a value is
    /// one that cloze does not compute.
    pub fn open(folder: &Path) -> Result<Self, CheckpointError> {
        if !folder.is_dir() {
            return Err(CheckpointError::NotAFolder {
                path: folder.into(),
            });
        }
        let config = ConfigJson::read(&folder.join("config.json"))?;
        let architecture = architecture_of(&config)?;
        Ok(Self {
            folder: folder.into(),
            encoder_config: architecture.parse_config(&config)?,
            settings: ClozeSettings::read(&config)?,
            architecture,
            config,
        })
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// `config.json` as it stands there.
    pub fn config(&self) -> &ConfigJson {
        &self.config
    }

    /// The architecture that `config.json` names.
    pub fn architecture(&self) -> &'static dyn Architecture {
        self.architecture
    }

    /// What the encoder is made of.
    pub fn encoder_config(&self) -> &EncoderConfig {
        &self.encoder_config
    }

    /// The class of `transformers` that `config.json` names; an empty text where it does not say.
    pub fn class(&self) -> &str {
        let architectures = self.config.get("architectures");
        let class = architectures.and_then(|names| names.get(0)?.as_str());
        class.unwrap_or_default()
    }

    /// What cloze stored about its training of the model, if it was trained by cloze.
    pub fn cloze_settings(&self) -> Option<&ClozeSettings> {
        self.settings.as_ref()
    }

    /// The names of the labels, unless nobody named them.
    ///
    /// # Errors
    /// If `id2label` has gaps, or one name stands for two ids.
    pub fn labels(&self) -> Result<Option<LabelSet>, CheckpointError> {
        label_names::named(&self.config)
    }

    /// The names of the labels; where nobody named them, what `transformers` calls those of a head
    /// with this many outputs: `LABEL_0`, `LABEL_1`, ….
    ///
    /// # Errors
    /// As [`labels`](Self::labels).
    pub fn labels_or_numbered(&self, outputs: usize) -> Result<LabelSet, CheckpointError> {
        match self.labels()? {
            Some(labels) => Ok(labels),
            None => {
                let names = (0..outputs).map(label_names::placeholder).collect();
                Ok(LabelSet::from_names(names)?)
            }
        }
    }

    /// The number of labels of the head; two, as in `transformers`, where `config.json` does not
    /// say.
    ///
    /// # Errors
    /// If `id2label` or `num_labels` cannot be understood.
    pub fn num_labels(&self) -> Result<usize, CheckpointError> {
        Ok(self.stated_labels()?.unwrap_or(2))
    }

    /// The number of labels that `config.json` states.
    pub(crate) fn stated_labels(&self) -> Result<Option<usize>, CheckpointError> {
        if let Some(names) = label_names::read(&self.config)? {
            return Ok(Some(names.len()));
        }
        let stated = self
            .config
            .get("num_labels")
            .map(|_| self.config.size("num_labels"));
        Ok(stated.transpose()?)
    }

    /// What the scores of the head mean, if `config.json` says so.
    ///
    /// # Errors
    /// If `problem_type` is one that `transformers` does not know.
    pub fn problem_type(&self) -> Result<Option<ProblemType>, CheckpointError> {
        Ok(ProblemType::read(&self.config)?)
    }

    /// What the scores of the head mean: what `config.json` says, otherwise what `transformers`
    /// takes it for, a number where there is one output and one of several labels elsewhere.
    ///
    /// # Errors
    /// If `problem_type`, `id2label` or `num_labels` cannot be understood.
    pub fn problem_type_or_usual(&self) -> Result<ProblemType, CheckpointError> {
        Ok(match self.problem_type()? {
            Some(problem_type) => problem_type,
            None if self.num_labels()? == 1 => ProblemType::Regression,
            None => ProblemType::SingleLabelClassification,
        })
    }

    /// The classification head: the one that cloze stored, otherwise the architecture's own.
    ///
    /// # Errors
    /// If a dropout in `config.json` is not a probability.
    pub fn classification_head(&self) -> Result<ClassificationHeadConfig, CheckpointError> {
        match self
            .settings
            .as_ref()
            .and_then(|settings| settings.head.clone())
        {
            Some(head) => Ok(head),
            None => Ok(self.own_classification_head()?),
        }
    }

    /// The classification head that `transformers` gives the architecture.
    pub(crate) fn own_classification_head(&self) -> Result<ClassificationHeadConfig, ConfigError> {
        self.architecture
            .classification_head(&self.config, &self.encoder_config)
    }

    /// Opens the weights: names, shapes and types of all tensors.
    ///
    /// # Errors
    /// If there are no weights, or a file is missing, cut short, or broken.
    pub fn tensors(&self) -> Result<TensorStore, CheckpointError> {
        TensorStore::open(&self.folder)
    }
}

/// The architecture by `model_type`, or, in files older than that key, by the class name in
/// `architectures`.
pub(crate) fn architecture_of(
    config: &ConfigJson,
) -> Result<&'static dyn Architecture, ConfigError> {
    if config.get("model_type").is_none()
        && let Some(class) = config
            .get("architectures")
            .and_then(|list| list.get(0)?.as_str())
    {
        let suffix = |architecture: &dyn Architecture| {
            let suffix = class.strip_prefix(architecture.class_prefix());
            suffix.is_some_and(|suffix| suffix == "Model" || suffix.starts_with("For"))
        };
        if let Some(found) = ARCHITECTURES
            .iter()
            .find(|architecture| suffix(**architecture))
        {
            return Ok(*found);
        }
    }
    architectures::find(config)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn architecture(text: &str) -> Result<&'static str, String> {
        let config = ConfigJson::parse(Path::new("m/config.json"), text).unwrap();
        let found = architecture_of(&config).map_err(|error| error.to_string())?;
        Ok(found.model_type())
    }

    #[test]
    fn the_architecture_is_known_by_its_type_or_by_its_class() {
        assert_eq!(architecture(r#"{"model_type": "bert"}"#).unwrap(), "bert");
        let by_class = |class| architecture(&format!(r#"{{"architectures": ["{class}"]}}"#));
        assert_eq!(by_class("BertForMaskedLM").unwrap(), "bert");
        assert_eq!(by_class("DistilBertModel").unwrap(), "distilbert");
        assert_eq!(by_class("RobertaForMaskedLM").unwrap(), "roberta");
        assert_eq!(by_class("XLMRobertaModel").unwrap(), "xlm-roberta");
        assert_eq!(by_class("ElectraForPreTraining").unwrap(), "electra");
        assert!(by_class("BertGenerationEncoder").is_err());
    }

    #[test]
    fn an_unknown_architecture_is_named_with_the_known_ones() {
        assert_eq!(
            architecture(r#"{"model_type": "gpt2"}"#).unwrap_err(),
            "m/config.json, field `model_type`: found \"gpt2\", wanted one of bert, distilbert, \
             electra, roberta, xlm-roberta"
        );
    }
}
