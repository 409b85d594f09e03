/// How a delimited file uses quotes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Quotes {
    /// Every field that begins with a quote is enclosed in quotes, those inside doubled
    /// (RFC 4180).
    WellFormed,
    /// Some field begins with a quote that means only itself.
    Loose,
    /// The quote at this offset is never closed.
    Unclosed(usize),
}

/// Looks at every field that begins with a quote.
pub(super) fn scan(bytes: &[u8], delimiter: u8) -> Quotes {
    let ends_field = |byte: &u8| *byte == delimiter || matches!(byte, b'\n' | b'\r');
    let mut result = Quotes::WellFormed;
    let mut at = 0;
    while at < bytes.len() {
        if bytes[at] == b'"' {
            let Some(end) = closing(bytes, at) else {
                return Quotes::Unclosed(at);
            };
            if bytes.get(end + 1).is_some_and(|byte| !ends_field(byte)) {
                result = Quotes::Loose;
            }
            at = end + 1;
        }
        at += match bytes[at..].iter().position(ends_field) {
            Some(length) => length + 1,
            None => return result,
        };
    }
    result
}

/// Where the quote that opens at `open` closes.
fn closing(bytes: &[u8], open: usize) -> Option<usize> {
    let mut at = open + 1;
    loop {
        at += bytes.get(at..)?.iter().position(|&byte| byte == b'"')?;
        if bytes.get(at + 1) != Some(&b'"') {
            return Some(at);
        }
        at += 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_are_told_apart() {
        let scan = |text: &str| scan(text.as_bytes(), b',');
        assert_eq!(
            scan("a,\"b\nc\"\r\n\"\",\"x \"\"y\"\"\""),
            Quotes::WellFormed
        );
        assert_eq!(scan("5\" disk,b\n"), Quotes::WellFormed);
        assert_eq!(scan("a,\"b\" c\n"), Quotes::Loose);
        assert_eq!(scan("a,\"b\n\nc,d\n"), Quotes::Unclosed(2));
        assert_eq!(scan("a,\"b\"\""), Quotes::Unclosed(2));
        assert_eq!(scan(""), Quotes::WellFormed);
    }
}
