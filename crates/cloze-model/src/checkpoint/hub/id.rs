/// A model on the Hub: `owner/name`, or `name` alone for a few old ones, with an optional
/// revision: `owner/name@v1.0`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HubId {
    /// User or organisation; empty for old models without one.
    pub owner: String,
    /// The model's own name.
    pub name: String,
    /// Branch, tag or commit.
    pub revision: Option<String>,
}

const LONGEST: usize = 96;

impl HubId {
    /// Reads a name; nothing if it breaks the Hub's rules, and so is certainly meant as a path.
    pub fn parse(text: &str) -> Option<Self> {
        let (id, revision) = match text.split_once('@') {
            Some((_, "")) => return None,
            Some((id, revision)) => (id, Some(revision.to_owned())),
            None => (text, None),
        };
        let (owner, name) = match id.split_once('/') {
            Some((owner, name)) if valid(owner) => (owner, name),
            Some(_) => return None,
            None => ("", id),
        };
        (valid(name) && id.len() <= LONGEST).then(|| Self {
            owner: owner.into(),
            name: name.into(),
            revision,
        })
    }

    /// `owner/name` without the revision.
    pub fn path(&self) -> String {
        if self.owner.is_empty() {
            self.name.clone()
        } else {
            format!("{}/{}", self.owner, self.name)
        }
    }
}

/// The rules of `huggingface_hub.utils.validate_repo_id`.
fn valid(part: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    !part.is_empty()
        && part.chars().all(allowed)
        && !part.starts_with(['-', '.'])
        && !part.ends_with(['-', '.'])
        && !part.contains("--")
        && !part.contains("..")
        && !part.ends_with(".git")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_an_owner_a_name_and_a_revision() {
        let id = HubId::parse("google-bert/bert-base-chinese@v1.0/x").unwrap();
        assert_eq!(id.path(), "google-bert/bert-base-chinese");
        assert_eq!(id.revision.as_deref(), Some("v1.0/x"));
        let old = HubId::parse("bert-base-uncased").unwrap();
        assert_eq!(
            (old.path().as_str(), old.revision),
            ("bert-base-uncased", None)
        );
    }

    #[test]
    fn paths_are_no_ids() {
        for path in [
            "",
            "/models/bert",
            "./bert",
            "../bert",
            "~/bert",
            "a/b/c",
            "bert/",
            "a b",
            "名",
            "a--b",
            "a/b@",
            "x.git",
        ] {
            assert_eq!(HubId::parse(path), None, "{path}");
        }
        assert_eq!(HubId::parse(&"x".repeat(97)), None);
    }
}
