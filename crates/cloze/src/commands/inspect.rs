use burn::tensor::Device;
use cloze_data::tokenizer::Tokenizer;
use cloze_infer::written_task;
use cloze_model::checkpoint::{Checkpoint, LoadReport};
use cloze_model::parameters::{ParameterReport, TensorSummary};
use cloze_model::{Architecture, FreezeSpec};
use cloze_tasks::{question_answering, token_classification};
use serde_json::{Value, json};

use crate::arguments::inspect::InspectArguments;
use crate::failure::Usage;
use crate::loaded_model::{LoadedModel, task_of};
use crate::models::Models;
use crate::tables::TextTable;
use crate::terminal::{Results, Thousands};

/// `cloze inspect MODEL`
pub(crate) fn run(arguments: &InspectArguments, models: &Models) -> anyhow::Result<()> {
    let freeze = FreezeSpec::parse(&arguments.freeze).map_err(Usage::from)?;
    let checkpoint = Checkpoint::open(&models.folder(&arguments.model)?)?;
    // Only a device that computes gradients knows what is frozen.
    let device = Device::flex().autodiff();
    let (model, load) = LoadedModel::load(&checkpoint, &device)?;
    let model = model.freeze(&freeze, &checkpoint).map_err(Usage::from)?;
    let head_task = match model {
        LoadedModel::Classifier(_) => Some(task_of(checkpoint.problem_type_or_usual()?)),
        LoadedModel::TokenClassifier(_) => Some(token_classification::NAME),
        LoadedModel::QuestionAnswering(_) => Some(question_answering::NAME),
        LoadedModel::MaskedLanguage(_) | LoadedModel::Continuation(_) | LoadedModel::Encoder(_) => {
            None
        }
    };
    let inspection = Inspection {
        parameters: stored_parameters(&model, &load, &checkpoint)?,
        is_classifier: matches!(model, LoadedModel::Classifier(_)),
        head_task,
        max_length: max_length(&checkpoint),
        checkpoint,
    };
    let mut results = Results::stdout();
    if arguments.json {
        results.json(&inspection.json(arguments.tensors)?)?;
    } else {
        inspection.print(arguments.tensors, &mut results)?;
    }
    results.flush()
}

struct Inspection {
    checkpoint: Checkpoint,
    parameters: ParameterReport,
    is_classifier: bool,
    /// What a head that cloze knows is for, if it labels texts or tokens.
    head_task: Option<&'static str>,
    max_length: usize,
}

impl Inspection {
    /// `text-classification` or another task of cloze, or the class that `config.json` names.
    fn task(&self) -> Option<String> {
        let stored = written_task(&self.checkpoint).map(str::to_owned);
        let class = || {
            let names = self.checkpoint.config().get("architectures")?;
            names.get(0)?.as_str().map(str::to_owned)
        };
        let of_head = || self.head_task.map(str::to_owned);
        stored.or_else(of_head).or_else(class)
    }

    fn labels(&self) -> anyhow::Result<Option<Vec<String>>> {
        if self.head_task.is_none() {
            return Ok(None);
        }
        let count = self.checkpoint.num_labels()?;
        let labels = self.checkpoint.labels_or_numbered(count)?;
        Ok(Some(labels.names().to_vec()))
    }

    fn json(&self, tensors: bool) -> anyhow::Result<Value> {
        let mut parameters = json!(self.parameters);
        if !tensors && let Some(object) = parameters.as_object_mut() {
            object.shift_remove("tensors");
        }
        Ok(json!({
            "folder": self.checkpoint.folder(),
            "architecture": self.checkpoint.architecture().model_type(),
            "task": self.task(),
            "labels": self.labels()?,
            "max_length": self.max_length,
            "encoder": self.checkpoint.encoder_config(),
            "head": self.is_classifier.then(|| self.checkpoint.classification_head()).transpose()?,
            "parameters": parameters,
        }))
    }

    fn print(&self, tensors: bool, results: &mut Results) -> anyhow::Result<()> {
        self.print_overview(results)?;
        results.line("")?;
        print_parts(&self.parameters, results)?;
        if tensors {
            results.line("")?;
            let mut table = TextTable::new(&["tensor", "shape", "trainable"]);
            for tensor in &self.parameters.tensors {
                let shape: Vec<String> = tensor.shape.iter().map(usize::to_string).collect();
                let trainable = if tensor.trainable { "yes" } else { "frozen" };
                table.row([tensor.name.clone(), shape.join(" × "), trainable.into()]);
            }
            table.print(results)?;
        }
        Ok(())
    }

    fn print_overview(&self, results: &mut Results) -> anyhow::Result<()> {
        let encoder = self.checkpoint.encoder_config();
        let mut table = TextTable::new(&["model", ""]);
        let mut row = |name: &str, value: String| table.row([name.to_owned(), value]);
        row("folder", self.checkpoint.folder().display().to_string());
        row("architecture", encoder.model_type.clone());
        row("task", self.task().unwrap_or_else(|| "none".into()));
        if let Some(labels) = self.labels()? {
            row("labels", listed(&labels));
        }
        row(
            "maximum length",
            format!("{} tokens", Thousands(self.max_length)),
        );
        row("vocabulary", Thousands(encoder.vocab_size).to_string());
        row("layers", encoder.num_hidden_layers.to_string());
        row("hidden size", Thousands(encoder.hidden_size).to_string());
        row("attention heads", encoder.num_attention_heads.to_string());
        row(
            "feed-forward size",
            Thousands(encoder.intermediate_size).to_string(),
        );
        table.print(results)
    }
}

fn print_parts(report: &ParameterReport, results: &mut Results) -> anyhow::Result<()> {
    let headings = [
        "part",
        "#parameters",
        "#in matrices",
        "#trainable",
        "#frozen",
    ];
    let mut table = TextTable::new(&headings);
    let mut row = |name: &str, numbers: [usize; 4]| {
        let numbers = numbers
            .into_iter()
            .map(|number| Thousands(number).to_string());
        table.row(std::iter::once(name.to_owned()).chain(numbers));
    };
    for part in &report.parts {
        let frozen = part.parameters - part.trainable;
        row(
            part.part.name(),
            [part.parameters, part.matrices, part.trainable, frozen],
        );
    }
    let matrices = report.parts.iter().map(|part| part.matrices).sum();
    row(
        "all",
        [report.parameters, matrices, report.trainable, report.frozen],
    );
    table.print(results)?;
    results.line(format_args!("{} bytes as f32", Thousands(report.bytes)))
}

/// How many labels are printed by name.
const LISTED: usize = 20;

fn listed(labels: &[String]) -> String {
    let names = labels[..labels.len().min(LISTED)].join(", ");
    match labels.len().saturating_sub(LISTED) {
        0 => format!("{}: {names}", labels.len()),
        more => format!("{}: {names} and {more} more", labels.len()),
    }
}

/// Tokens that are read of a text: those of the training, the tokenizer, or the positions.
fn max_length(checkpoint: &Checkpoint) -> usize {
    let trained = checkpoint
        .cloze_settings()
        .and_then(|settings| settings.max_length);
    let tokenizer = || {
        Tokenizer::from_folder(checkpoint.folder())
            .ok()?
            .model_max_length()
    };
    let positions = checkpoint.encoder_config().longest_sequence();
    trained
        .or_else(tokenizer)
        .unwrap_or(positions)
        .min(positions)
}

/// What the checkpoint holds: the model without what was drawn for it at random, and the tensors
/// of heads that cloze has no use for (of a masked language model, say).
fn stored_parameters(
    model: &LoadedModel,
    load: &LoadReport,
    checkpoint: &Checkpoint,
) -> anyhow::Result<ParameterReport> {
    let architecture = checkpoint.architecture();
    let missing = |tensor: &TensorSummary| {
        let name = architecture.hf_name(&tensor.name);
        load.missing.iter().any(|missing| missing.ends_with(&name))
    };
    let mut tensors = model.parameters().tensors;
    tensors.retain(|tensor| !missing(tensor));
    let stored = checkpoint.tensors()?;
    for name in &load.unexpected {
        if let Some(shape) = stored
            .shape(name)
            .filter(|_| !is_repeated(name, architecture))
        {
            tensors.push(TensorSummary {
                name: name.clone(),
                shape: shape.to_vec(),
                trainable: true,
            });
        }
    }
    Ok(ParameterReport::from_tensors(tensors))
}

/// Whether files hold the tensor a second time under this name: a masked language model's decoder
/// is the word embeddings, and its bias stands beside it too.
fn is_repeated(name: &str, architecture: &dyn Architecture) -> bool {
    let repeated = architecture.tied_names();
    repeated.iter().any(|repeated| name.ends_with(repeated))
}
