//! How a command fails: the message, the hint, the exit status.

use std::error::Error;
use std::fmt;
use std::io::Write;
use std::process::ExitCode;

use anstyle::{AnsiColor, Style};

const FAILED: u8 = 1;
const USAGE: u8 = 2;
/// What a shell reports of a program that SIGINT ended.
pub(crate) const INTERRUPTED: u8 = 130;

/// What was asked for makes no sense, whatever the files hold: exit status 2.
#[derive(Debug)]
pub(crate) struct Usage(anyhow::Error);

impl Usage {
    /// A usage error with this message.
    pub(crate) fn new(message: impl fmt::Display + fmt::Debug + Send + Sync + 'static) -> Self {
        Self(anyhow::Error::msg(message))
    }

    /// An error of the library that the arguments or the configuration caused.
    pub(crate) fn from(error: impl Into<anyhow::Error>) -> Self {
        Self(error.into())
    }
}

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Error for Usage {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source()
    }
}

/// Whoever read standard output has seen enough (`cloze … | head`): the end, and no failure.
#[derive(Debug)]
pub(crate) struct OutputClosed;

/// The user stopped the command, and what it had done so far was saved.
#[derive(Debug)]
pub(crate) struct Interrupted {
    /// What to type to go on.
    pub(crate) message: String,
}

impl fmt::Display for OutputClosed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("standard output was closed")
    }
}

impl fmt::Display for Interrupted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for OutputClosed {}
impl Error for Interrupted {}

/// An error with a line that says what to do about it.
#[derive(Debug)]
struct Hinted {
    error: anyhow::Error,
    hint: String,
}

impl fmt::Display for Hinted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl Error for Hinted {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.error.source()
    }
}

/// Adds a line that says what to do.
pub(crate) fn hint(error: impl Into<anyhow::Error>, hint: impl Into<String>) -> anyhow::Error {
    let (error, hint) = (error.into(), hint.into());
    Hinted { error, hint }.into()
}

/// Prints the error and its causes on standard error and gives the exit status.
pub(crate) fn report(error: &anyhow::Error) -> ExitCode {
    if error.is::<OutputClosed>() {
        return ExitCode::SUCCESS;
    }
    let mut stderr = anstream::stderr();
    let (style, word, status) = match error {
        error if error.is::<Interrupted>() => (AnsiColor::Yellow, "stopped", INTERRUPTED),
        error if is_usage(error) => (AnsiColor::Red, "error", USAGE),
        _ => (AnsiColor::Red, "error", FAILED),
    };
    let style = style.on_default().bold();
    // Where standard error cannot be written there is nobody left to tell.
    let _ = writeln!(stderr, "{style}{word}:{style:#} {}", with_causes(error));
    if let Some(Hinted { hint, .. }) = error.downcast_ref() {
        let style = Style::new().bold();
        let _ = writeln!(stderr, "{style}hint:{style:#} {hint}");
    }
    ExitCode::from(status)
}

fn is_usage(error: &anyhow::Error) -> bool {
    match error.downcast_ref() {
        Some(Hinted { error, .. }) => is_usage(error),
        None => error.is::<Usage>(),
    }
}

/// `what: why: why that`. A cause that the line before it already tells is not repeated.
fn with_causes(error: &anyhow::Error) -> String {
    let mut message = String::new();
    for cause in error.chain() {
        let cause = cause.to_string();
        if message.is_empty() {
            message = cause;
        } else if !message.ends_with(&cause) {
            message = format!("{message}: {cause}");
        }
    }
    message
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::Context;

    #[test]
    fn causes_are_told_once_and_in_order() {
        let cause = std::io::Error::other("the disk is full");
        let error = Err::<(), _>(cause)
            .context("cannot write out.json: the disk is full")
            .context("cannot save the model")
            .unwrap_err();
        assert_eq!(
            with_causes(&error),
            "cannot save the model: cannot write out.json: the disk is full"
        );
    }

    #[test]
    fn a_hint_changes_neither_message_nor_status() {
        let error = hint(Usage::new("--top-k is 9"), "use --all");
        assert_eq!(with_causes(&error), "--top-k is 9");
        assert!(is_usage(&error));
        assert!(!is_usage(&hint(std::io::Error::other("x"), "y")));
    }
}
