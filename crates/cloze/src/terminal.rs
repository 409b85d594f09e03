//! Standard output for results, standard error for everything else.

use std::fmt::{self, Display};
use std::io::{self, BufWriter, ErrorKind, Stdout, Write};

use anstream::ColorChoice;
use anstyle::{AnsiColor, Style};
use anyhow::Context;

use crate::failure::OutputClosed;

/// Standard output: buffered, in colour only where a terminal shows it and `NO_COLOR` allows it.
#[derive(Debug)]
pub(crate) struct Results {
    out: BufWriter<Stdout>,
    colours: bool,
}

impl Results {
    /// Opens standard output.
    pub(crate) fn stdout() -> Self {
        let stdout = io::stdout();
        Self {
            colours: anstream::AutoStream::choice(&stdout) != ColorChoice::Never,
            out: BufWriter::with_capacity(1 << 16, stdout),
        }
    }

    /// Whether escape codes may be written.
    pub(crate) fn has_colours(&self) -> bool {
        self.colours
    }

    /// The style, or none where there are no colours.
    pub(crate) fn style(&self, style: Style) -> Style {
        if self.colours { style } else { Style::new() }
    }

    /// Writes a line.
    pub(crate) fn line(&mut self, line: impl Display) -> anyhow::Result<()> {
        writeln!(self.out, "{line}").map_err(output_error)
    }

    /// Writes a part of a line.
    pub(crate) fn part(&mut self, part: impl Display) -> anyhow::Result<()> {
        write!(self.out, "{part}").map_err(output_error)
    }

    /// Writes a value as one line of JSON.
    pub(crate) fn json(&mut self, value: &impl serde::Serialize) -> anyhow::Result<()> {
        match serde_json::to_writer(&mut self.out, value) {
            Ok(()) => self.line(""),
            Err(error) => Err(output_error(error.into())),
        }
    }

    /// Brings what was written to the reader.
    pub(crate) fn flush(&mut self) -> anyhow::Result<()> {
        self.out.flush().map_err(output_error)
    }
}

fn output_error(error: io::Error) -> anyhow::Error {
    if error.kind() == ErrorKind::BrokenPipe {
        return OutputClosed.into();
    }
    Err::<(), _>(error)
        .context("cannot write to standard output")
        .expect_err("it is an error")
}

/// Prints a warning on standard error.
pub(crate) fn warn(message: impl Display) {
    let style = AnsiColor::Yellow.on_default().bold();
    note(format_args!("{style}warning:{style:#} {message}"));
}

/// Prints a line on standard error.
pub(crate) fn note(message: impl Display) {
    // Where standard error cannot be written there is nobody left to tell.
    let _ = writeln!(anstream::stderr(), "{message}");
}

/// A number with its thousands apart: `109,482,240`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Thousands(pub(crate) usize);

impl Display for Thousands {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.0.to_string();
        let mut grouped = String::with_capacity(digits.len() * 4 / 3);
        for (index, digit) in digits.chars().enumerate() {
            if index > 0 && (digits.len() - index).is_multiple_of(3) {
                grouped.push(',');
            }
            grouped.push(digit);
        }
        f.pad(&grouped)
    }
}

/// `1 text`, `2 texts`.
pub(crate) fn counted(count: usize, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{} {what}{plural}", Thousands(count))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_set_apart() {
        let shown = |number| Thousands(number).to_string();
        assert_eq!(shown(0), "0");
        assert_eq!(shown(999), "999");
        assert_eq!(shown(1000), "1,000");
        assert_eq!(shown(109_482_240), "109,482,240");
        assert_eq!(counted(1, "text"), "1 text");
        assert_eq!(counted(1200, "text"), "1,200 texts");
    }
}
