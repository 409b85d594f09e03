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

/// [`scan`] of bytes that come one after another, which also finds blank lines. In quotes there are none,
/// unless the fields are divided by tabs: then quotes that mean something are read otherwise.
#[derive(Clone, Debug)]
pub(super) struct QuoteScan {
    delimiter: u8,
    place: Place,
    /// How many bytes were seen.
    seen: usize,
    /// Where the quote is that was opened last.
    opened: usize,
    is_loose: bool,
    /// Whether the line has nothing in it so far.
    at_line_start: bool,
    /// A blank line was seen, and whether anything stands behind it.
    blank_line: Option<bool>,
    /// Whether the byte before is a carriage return that may end a line.
    behind_return: bool,
    /// Whether lines end in a carriage return and a line feed, as far as they all end alike.
    ends_in_two: Option<bool>,
    ends_differ: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    FieldStart,
    InField,
    InQuotes,
    /// Behind a quote inside quotes: it closes them, or is the first of two.
    BehindQuote,
}

impl QuoteScan {
    pub(super) fn new(delimiter: u8) -> Self {
        Self {
            delimiter,
            place: Place::FieldStart,
            seen: 0,
            opened: 0,
            is_loose: false,
            at_line_start: true,
            blank_line: None,
            behind_return: false,
            ends_in_two: None,
            ends_differ: false,
        }
    }

    pub(super) fn see(&mut self, byte: u8) {
        let ends_line = matches!(byte, b'\n' | b'\r');
        if self.place != Place::InQuotes || self.delimiter == b'\t' {
            if byte == b'\n' && self.at_line_start {
                self.blank_line.get_or_insert(false);
            }
            if !ends_line && self.at_line_start && self.blank_line.is_some() {
                self.blank_line = Some(true);
            }
            // A carriage return alone may end a line, or stand before the line feed that does.
            self.at_line_start = byte == b'\n' || (self.at_line_start && byte == b'\r');
            self.see_end(byte);
        }
        let ends_field = ends_line || byte == self.delimiter;
        self.place = match (self.place, byte) {
            (Place::FieldStart, b'"') => {
                self.opened = self.seen;
                Place::InQuotes
            }
            (Place::InQuotes, b'"') => Place::BehindQuote,
            (Place::InQuotes, _) | (Place::BehindQuote, b'"') => Place::InQuotes,
            (Place::FieldStart | Place::InField, _) if ends_field => Place::FieldStart,
            (Place::BehindQuote, _) if ends_field => Place::FieldStart,
            (Place::BehindQuote, _) => {
                self.is_loose = true;
                Place::InField
            }
            (Place::FieldStart | Place::InField, _) => Place::InField,
        };
        self.seen += 1;
    }

    fn see_end(&mut self, byte: u8) {
        if byte == b'\n' {
            let first = *self.ends_in_two.get_or_insert(self.behind_return);
            self.ends_differ |= first != self.behind_return;
        } else {
            // One that no line feed follows.
            self.ends_differ |= self.behind_return;
        }
        self.behind_return = byte == b'\r';
    }

    /// Whether lines end in different ways.
    pub(super) fn ends_differ(&self) -> bool {
        self.ends_differ || self.behind_return
    }

    /// Whether a blank line stands before a line with something in it.
    pub(super) fn has_blank_lines(&self) -> bool {
        self.blank_line == Some(true)
    }

    pub(super) fn finish(self) -> Quotes {
        match (self.place, self.is_loose) {
            (Place::InQuotes, _) => Quotes::Unclosed(self.opened),
            (_, true) => Quotes::Loose,
            _ => Quotes::WellFormed,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn byte_by_byte(text: &str) -> QuoteScan {
        let mut scan = QuoteScan::new(b',');
        text.bytes().for_each(|byte| scan.see(byte));
        scan
    }

    proptest! {
        #[test]
        fn bytes_that_come_one_by_one_tell_the_same(text in "[a\"\n\r,]{0,12}") {
            prop_assert_eq!(byte_by_byte(&text).finish(), scan(text.as_bytes(), b','));
        }
    }

    #[test]
    fn ends_of_lines_differ_or_do_not() {
        for (text, differ) in [
            ("a\nb\n", false),
            ("a\r\nb\r\n", false),
            ("a,\"b\nc\"\r\nd\r\n", false),
            ("a\nb\r\n", true),
            ("a\rb\n", true),
            ("a\nb\r", true),
        ] {
            assert_eq!(byte_by_byte(text).ends_differ(), differ, "{text:?}");
        }
    }

    #[test]
    fn blank_lines_count_where_something_follows() {
        for (text, has_blank_lines) in [
            ("a,b\r\n\r\nc,d\r\n", true),
            ("a,b\n\nc,d", true),
            ("\na", true),
            ("a,b\r\nc,d\r\n\r\n", false),
            ("a,\"b\n\nc\"\nd,e", false),
            ("a\nb\n", false),
        ] {
            assert_eq!(
                byte_by_byte(text).has_blank_lines(),
                has_blank_lines,
                "{text:?}"
            );
        }
    }

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
