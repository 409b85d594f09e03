//! Between canonical names and the names in a file.

use std::collections::HashMap;

use super::TensorStore;
use crate::architectures::Architecture;
use crate::named::is_encoder_name;

/// Whose names the tensors of a classification head have in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HeadNames {
    /// Those of the architecture's head in `transformers`.
    Architecture,
    /// Those of its head for tokens, which every architecture of `transformers` calls as the
    /// canonical names do.
    Tokens,
    /// Those of `modeling_cloze.py`. No model of `transformers` has them, so that loading such a
    /// checkpoint without that file cannot go unnoticed.
    Cloze,
}

/// Parts of a head by their canonical names and as `modeling_cloze.py` names them.
const CLOZE_HEAD: [(&str, &str); 2] = [
    ("classifier_hidden.", "head.hidden."),
    ("classifier.", "head.output."),
];

/// The name of a tensor in the file of a model with a head.
pub(crate) fn stored_name(
    architecture: &dyn Architecture,
    head: HeadNames,
    canonical: &str,
) -> String {
    if is_encoder_name(canonical) {
        return format!(
            "{}{}",
            architecture.prefix(),
            architecture.hf_name(canonical)
        );
    }
    match head {
        HeadNames::Architecture => architecture.hf_name(canonical),
        HeadNames::Tokens => canonical.into(),
        HeadNames::Cloze => CLOZE_HEAD
            .iter()
            .find_map(|(part, own)| {
                canonical
                    .strip_prefix(part)
                    .map(|rest| format!("{own}{rest}"))
            })
            .unwrap_or_else(|| canonical.into()),
    }
}

/// Tensors of a file by their names today: with the base prefix, and `weight` and `bias` where
/// old files say `gamma` and `beta`.
#[derive(Debug)]
pub(crate) struct StoredNames(HashMap<String, String>);

impl StoredNames {
    pub(crate) fn of(store: &TensorStore, architecture: &dyn Architecture) -> Self {
        let mut names = HashMap::new();
        for stored in store.names() {
            let name = todays(stored, architecture);
            // A file that has a tensor under both names means the full one.
            if name == stored || !names.contains_key(&name) {
                names.insert(name, stored.to_owned());
            }
        }
        Self(names)
    }

    /// What the file calls the tensor that is called `name` today.
    pub(crate) fn find(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// What the file calls its tensors.
    pub(crate) fn stored(&self) -> impl Iterator<Item = &str> {
        self.0.values().map(String::as_str)
    }
}

fn todays(stored: &str, architecture: &dyn Architecture) -> String {
    let mut name = stored.to_owned();
    for (old, new) in [(".gamma", ".weight"), (".beta", ".bias")] {
        if let Some(stem) = name.strip_suffix(old) {
            name = format!("{stem}{new}");
        }
    }
    let parts = [
        "embeddings.",
        "embeddings_project.",
        "encoder.",
        "transformer.",
        "pooler.",
    ];
    if parts.iter().any(|part| name.starts_with(part)) {
        name = format!("{}{name}", architecture.prefix());
    }
    name
}

/// Whether a tensor is one that a model computes anew rather than learns; old files have it.
pub(crate) fn is_buffer(stored: &str) -> bool {
    ["position_ids", "token_type_ids"].iter().any(|buffer| {
        stored
            .strip_suffix(buffer)
            .is_some_and(|rest| rest.ends_with("embeddings."))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::architectures::{Bert, DistilBert, Electra, Roberta};

    #[test]
    fn old_names_and_names_without_prefix_are_understood() {
        for (stored, today) in [
            (
                "bert.embeddings.LayerNorm.gamma",
                "bert.embeddings.LayerNorm.weight",
            ),
            (
                "encoder.layer.0.output.LayerNorm.beta",
                "bert.encoder.layer.0.output.LayerNorm.bias",
            ),
            ("pooler.dense.weight", "bert.pooler.dense.weight"),
            ("classifier.weight", "classifier.weight"),
            (
                "cls.predictions.transform.LayerNorm.gamma",
                "cls.predictions.transform.LayerNorm.weight",
            ),
        ] {
            assert_eq!(todays(stored, &Bert), today);
        }
        assert_eq!(
            todays("transformer.layer.0.ffn.lin1.bias", &DistilBert),
            "distilbert.transformer.layer.0.ffn.lin1.bias"
        );
        assert_eq!(
            todays("embeddings_project.weight", &Electra),
            "electra.embeddings_project.weight"
        );
    }

    #[test]
    fn heads_of_tokens_have_the_same_names_in_every_architecture() {
        let name = |head| stored_name(&Roberta, head, "classifier.weight");
        assert_eq!(name(HeadNames::Tokens), "classifier.weight");
        assert_eq!(name(HeadNames::Architecture), "classifier.out_proj.weight");
        let projection = "embeddings.projection.weight";
        assert_eq!(
            stored_name(&Electra, HeadNames::Tokens, projection),
            "electra.embeddings_project.weight"
        );
    }

    #[test]
    fn a_head_of_another_form_has_names_of_its_own() {
        let name = |head| stored_name(&DistilBert, head, "classifier_hidden.0.weight");
        assert_eq!(name(HeadNames::Architecture), "pre_classifier.weight");
        assert_eq!(name(HeadNames::Cloze), "head.hidden.0.weight");
        assert_eq!(
            stored_name(&Bert, HeadNames::Cloze, "classifier.bias"),
            "head.output.bias"
        );
        assert_eq!(
            stored_name(
                &DistilBert,
                HeadNames::Cloze,
                "encoder.layer.1.output.dense.bias"
            ),
            "distilbert.transformer.layer.1.ffn.lin2.bias"
        );
    }

    #[test]
    fn position_ids_are_a_buffer_with_and_without_prefix() {
        assert!(is_buffer("bert.embeddings.position_ids") && is_buffer("embeddings.position_ids"));
        assert!(!is_buffer("embeddings.position_embeddings.weight"));
    }
}
