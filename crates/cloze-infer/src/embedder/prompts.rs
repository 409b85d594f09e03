use std::collections::BTreeMap;
use std::path::Path;

use crate::InferError;

/// The names that `sentence-transformers` knows a prompt for documents by, in this order.
const DOCUMENT: [&str; 3] = ["document", "passage", "corpus"];
const QUERY: [&str; 1] = ["query"];

/// What is put in front of every text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Prompt {
    /// What the folder puts there unless it is told otherwise, which may be nothing.
    #[default]
    Usual,
    /// The folder's prompt for what is searched for, the usual one where it has none.
    Query,
    /// The folder's prompt for what is searched in, the usual one where it has none.
    Document,
    /// The folder's prompt of this name.
    Named(String),
    /// This text; nothing where it is empty.
    Text(String),
}

/// The prompts of a folder.
#[derive(Clone, Debug)]
pub(super) struct Prompts {
    pub(super) named: BTreeMap<String, String>,
    /// The name of the usual one.
    pub(super) usual: Option<String>,
    /// Whether the tokens of a prompt are pooled.
    pub(super) pooled: bool,
}

impl Prompts {
    /// The text that a prompt stands for.
    pub(super) fn text<'a>(
        &'a self,
        prompt: &'a Prompt,
        folder: &Path,
    ) -> Result<&'a str, InferError> {
        match prompt {
            Prompt::Usual => Ok(self.usual()),
            Prompt::Query => Ok(self.first_of(&QUERY)),
            Prompt::Document => Ok(self.first_of(&DOCUMENT)),
            Prompt::Text(text) => Ok(text),
            Prompt::Named(name) => {
                let found = self.named.get(name);
                found
                    .map(String::as_str)
                    .ok_or_else(|| InferError::UnknownPrompt {
                        folder: folder.into(),
                        name: name.clone(),
                        known: self.named.keys().cloned().collect(),
                    })
            }
        }
    }

    fn usual(&self) -> &str {
        let usual = self.usual.as_ref().and_then(|name| self.named.get(name));
        usual.map_or("", String::as_str)
    }

    fn first_of(&self, names: &[&str]) -> &str {
        let found = names.iter().find_map(|&name| self.named.get(name));
        found.map_or_else(|| self.usual(), String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prompt_is_found_by_its_purpose_or_by_its_name() {
        let prompts = |names: &[&str], usual: Option<&str>| Prompts {
            named: names
                .iter()
                .map(|name| (name.to_string(), format!("{name}: ")))
                .collect(),
            usual: usual.map(str::to_owned),
            pooled: true,
        };
        let folder = Path::new("m");
        let all = prompts(&["query", "passage", "title"], Some("title"));
        let text = |prompt: &Prompt| all.text(prompt, folder).map(str::to_owned);
        assert_eq!(text(&Prompt::Usual).unwrap(), "title: ");
        assert_eq!(text(&Prompt::Query).unwrap(), "query: ");
        assert_eq!(text(&Prompt::Document).unwrap(), "passage: ");
        assert_eq!(text(&Prompt::Named("title".into())).unwrap(), "title: ");
        assert_eq!(text(&Prompt::Text("x".into())).unwrap(), "x");
        assert_eq!(
            text(&Prompt::Named("titel".into()))
                .unwrap_err()
                .to_string(),
            "m has no prompt \"titel\", only \"passage\", \"query\", \"title\""
        );
        let none = prompts(&[], None);
        assert_eq!(none.text(&Prompt::Query, folder).unwrap(), "");
        let named = Prompt::Named("query".into());
        let error = none.text(&named, folder).unwrap_err().to_string();
        assert_eq!(error, "m has no prompt \"query\", only none");
    }
}
