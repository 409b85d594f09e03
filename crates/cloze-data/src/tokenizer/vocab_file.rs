use std::collections::HashMap;
use std::io::BufRead;
use std::path::Path;

use cloze_core::InputError;

use super::{TextLines, TokenizerError};

/// Reads a `vocab.txt`: one token a line, its id the number of the line, counted from 0.
///
/// Blanks around a token stay with it: the Chinese vocabularies hold U+2028, for one.
pub(super) fn read(path: &Path, reader: impl BufRead) -> Result<Vec<String>, TokenizerError> {
    let mut tokens = Vec::new();
    let mut lines = TextLines::new(path, reader);
    while let Some(token) = lines.next() {
        let token = token?;
        if token.is_empty() {
            let error = InputError::new(path, "an empty line", "one token a line");
            return Err(error.at_line(lines.line()).into());
        }
        tokens.push(token);
    }
    if tokens.is_empty() {
        return Err(InputError::new(path, "an empty file", "one token a line").into());
    }
    Ok(tokens)
}

/// Token → id, each token once.
pub(super) fn index(
    path: &Path,
    tokens: Vec<String>,
) -> Result<HashMap<String, u32>, TokenizerError> {
    let mut ids = HashMap::with_capacity(tokens.len());
    for (line, token) in tokens.into_iter().enumerate() {
        let id = u32::try_from(line)
            .map_err(|_| InputError::new(path, "more than 2^32 lines", "ids that fit 32 bits"))?;
        if let Some(&first) = ids.get(&token) {
            let found = format!("the token `{token}` again (first on line {})", first + 1);
            let error = InputError::new(path, found, "every token once");
            return Err(error.at_line(line + 1).into());
        }
        ids.insert(token, id);
    }
    Ok(ids)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &[u8]) -> String {
        let path = Path::new("m/vocab.txt");
        read(path, text)
            .and_then(|tokens| index(path, tokens))
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn ids_are_line_numbers_and_odd_blanks_are_tokens() {
        let path = Path::new("vocab.txt");
        let tokens = read(path, "[PAD]\r\n\u{2028}\n##\u{2028}\n".as_bytes()).unwrap();
        assert_eq!(tokens, ["[PAD]", "\u{2028}", "##\u{2028}"]);
        assert_eq!(index(path, tokens).unwrap()["##\u{2028}"], 2);
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line() {
        assert_eq!(
            error(b""),
            "m/vocab.txt: found an empty file, wanted one token a line"
        );
        assert_eq!(
            error(b"a\n\nb"),
            "m/vocab.txt, line 2: found an empty line, wanted one token a line"
        );
        assert_eq!(
            error("中\n国\n中\n".as_bytes()),
            "m/vocab.txt, line 3: found the token `中` again (first on line 1), \
             wanted every token once"
        );
        assert_eq!(
            error(b"a\n\xFF\n"),
            "m/vocab.txt, line 2: found byte 0xFF after 0 bytes, wanted UTF-8 text"
        );
    }
}
