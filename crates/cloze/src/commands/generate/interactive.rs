//! `cloze generate --interactive`: a text that somebody and a model write together.

use std::io::{self, BufRead, IsTerminal};
use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context;
use clap::Parser;
use cloze_infer::generation::chain::Chain;
use cloze_infer::generation::{
    Finish, GeneratedText, GenerationSettings, Prompt, TextGenerationPipeline,
};

use super::shown_settings;
use crate::arguments::decoding::SetLine;
use crate::failure::INTERRUPTED;
use crate::terminal::{Results, note};

const HELP: &str = "\
a text          continue it, or what was written with this behind it
an empty line   go on
/again          write the last continuation anew
/undo           take the last continuation back, with the line before it
/new            begin a new text
/show           print the whole text
/set NAME VALUE change a setting, as /set top-k 40 or /set no-stop; the names are those of the options
/settings       show the settings, and the rules in their order
/quit           end (so does Ctrl-D; Ctrl-C ends a continuation)";

/// The text so far, and how it goes on.
pub(super) struct Session {
    model: TextGenerationPipeline,
    settings: GenerationSettings,
    chain: Chain,
    seed: u64,
    written: Prompt,
    last: Option<Continuation>,
    /// Continuations so far: each has random numbers of its own.
    number: u64,
    results: Results,
    signals: Signals,
}

/// What was written before the last continuation.
struct Continuation {
    /// Without the line that it stands behind.
    before_line: Prompt,
    with_line: Prompt,
}

/// What the next line asks for.
enum Asked {
    Continue(String),
    Again,
    Undo,
    New,
    Show,
    Set(Vec<String>),
    Settings,
    Help,
    Quit,
    Unknown(String),
}

impl Session {
    pub(super) fn new(
        model: TextGenerationPipeline,
        settings: GenerationSettings,
        seed: u64,
    ) -> anyhow::Result<Self> {
        Ok(Self {
            chain: model.chain(&settings)?,
            model,
            settings,
            seed,
            written: nothing(),
            last: None,
            number: 0,
            results: Results::stdout(),
            signals: Signals::listen()?,
        })
    }

    /// Continues these prompts, then what standard input asks for.
    pub(super) fn run(mut self, prompts: &[String]) -> anyhow::Result<()> {
        for prompt in prompts {
            self.written = nothing();
            self.go_on(prompt)?;
        }
        let stdin = io::stdin();
        let terminal = stdin.is_terminal();
        if terminal {
            note("a line is continued, an empty one goes on; /help lists the commands");
        }
        let mut lines = stdin.lock().lines();
        loop {
            if terminal {
                self.results.part("> ")?;
                self.results.flush()?;
            }
            let Some(line) = lines.next() else {
                return Ok(());
            };
            let line = line.context("cannot read standard input")?;
            match asked(&line) {
                Asked::Quit => return Ok(()),
                asked => self.answer(asked)?,
            }
        }
    }

    fn answer(&mut self, asked: Asked) -> anyhow::Result<()> {
        match asked {
            Asked::Continue(line) => self.go_on(&line)?,
            Asked::Again => match self.last.take() {
                Some(last) => {
                    self.written = last.with_line;
                    self.go_on("")?;
                    if let Some(again) = &mut self.last {
                        again.before_line = last.before_line;
                    }
                }
                None => note("there is no continuation to write anew"),
            },
            Asked::Undo => match self.last.take() {
                Some(last) => self.written = last.before_line,
                None if self.written.text.is_empty() => note("there is nothing to take back"),
                None => note("only the last continuation can be taken back, and it was"),
            },
            Asked::New => (self.written, self.last) = (nothing(), None),
            Asked::Show => {
                self.results.line(&self.written.text)?;
                self.results.flush()?;
            }
            Asked::Set(words) => {
                if let Err(error) = self.set(words) {
                    note(format_args!("{error:#}"));
                }
            }
            Asked::Settings => shown_settings::show(&self.model, &self.settings, self.seed)?,
            Asked::Help => note(HELP),
            Asked::Unknown(command) => {
                note(format_args!("{command} is no command; /help lists them"));
            }
            Asked::Quit => {}
        }
        Ok(())
    }

    /// Puts a line behind the text and continues it.
    fn go_on(&mut self, line: &str) -> anyhow::Result<()> {
        let before_line = self.written.clone();
        let more = joined(&self.written.text, line);
        if !more.is_empty() {
            let more = match self.model.prompt(&more) {
                Ok(more) => more,
                Err(error) => {
                    note(error);
                    return Ok(());
                }
            };
            self.written.text.push_str(&more.text);
            self.written.ids.extend(more.ids);
        }
        if self.written.ids.is_empty() {
            note("there is no text yet to go on from");
            return Ok(());
        }
        self.signals.begin();
        let text = self.write();
        self.signals.end();
        let text = text?;
        let whole = Prompt {
            text: format!("{}{}", self.written.text, text.text()),
            ids: text.ids().to_vec(),
        };
        self.last = Some(Continuation {
            before_line,
            with_line: std::mem::replace(&mut self.written, whole),
        });
        self.number += 1;
        Ok(())
    }

    /// A continuation, printed as it grows.
    fn write(&mut self) -> anyhow::Result<GeneratedText> {
        if self.settings.num_beams > 1 {
            let stopped = || self.signals.asked();
            let best = self
                .model
                .beams(&self.written, &self.chain, &self.settings, stopped)?;
            let text = best
                .into_iter()
                .next()
                .context("a beam search gives one text or more")?;
            self.results.line(text.text())?;
            self.results.flush()?;
            return Ok(text);
        }
        let mut texts = [self.model.begin(&self.written, self.number)?];
        while self
            .model
            .step(&mut texts, &self.chain, &self.settings, self.seed)?
        {
            let [text] = &mut texts;
            if self.signals.asked() && text.finish().is_none() {
                text.close(Finish::Interrupted);
            }
            self.results.part(text.take_new())?;
            self.results.flush()?;
        }
        self.results.line("")?;
        self.results.flush()?;
        let [text] = texts;
        Ok(text)
    }

    /// Changes a setting; after an error all are as they were.
    fn set(&mut self, words: Vec<String>) -> anyhow::Result<()> {
        anyhow::ensure!(
            !words.is_empty(),
            "/set: found no name, wanted a name and a value, as in /set top-k 40"
        );
        let set = match SetLine::try_parse_from(words) {
            Ok(set) => set,
            Err(error) => {
                let error = error.to_string();
                anyhow::bail!("{}", error.lines().next().unwrap_or_default());
            }
        };
        let decoding = &set.decoding;
        anyhow::ensure!(
            decoding.count.is_none() && decoding.best.is_none(),
            "/set: found count or best, wanted another setting: a session writes one text"
        );
        let settings = decoding.apply(&self.settings, self.model.tokenizer())?;
        let settings = one_text(settings);
        decoding.check(&settings, None)?;
        self.chain = self.model.chain(&settings)?;
        self.settings = settings;
        if let Some(seed) = set.seed {
            (self.seed, self.number) = (seed, 0);
        }
        Ok(())
    }
}

fn nothing() -> Prompt {
    Prompt {
        text: String::new(),
        ids: Vec::new(),
    }
}

/// A session writes one text.
pub(super) fn one_text(settings: GenerationSettings) -> GenerationSettings {
    GenerationSettings {
        num_return_sequences: 1,
        ..settings
    }
}

fn asked(line: &str) -> Asked {
    let mut words = line.split_whitespace();
    match words.next() {
        Some("/again") => Asked::Again,
        Some("/undo") => Asked::Undo,
        Some("/new") => Asked::New,
        Some("/show") => Asked::Show,
        Some("/settings") => Asked::Settings,
        Some("/help") => Asked::Help,
        Some("/quit" | "/exit") => Asked::Quit,
        Some("/set") => Asked::Set(set_words(words)),
        Some(word) if is_command(word) => Asked::Unknown(word.into()),
        None => Asked::Continue(String::new()),
        _ => Asked::Continue(line.into()),
    }
}

/// A slash and letters: a text may begin with a slash too.
fn is_command(word: &str) -> bool {
    let name = word.strip_prefix('/').unwrap_or_default();
    !name.is_empty() && name.chars().all(|character| character.is_ascii_lowercase())
}

/// `top-k 40` as it would stand on the command line.
fn set_words<'a>(mut words: impl Iterator<Item = &'a str>) -> Vec<String> {
    let name = words
        .next()
        .map(|name| format!("--{}", name.trim_start_matches('-')));
    name.into_iter().chain(words.map(str::to_owned)).collect()
}

/// A line as it stands behind a text: with a space between two words that are written with one.
fn joined(text: &str, line: &str) -> String {
    let spaced = |character: char| character < '\u{2E80}' && !character.is_whitespace();
    let after = text.chars().next_back().is_some_and(spaced);
    let word = line
        .chars()
        .next()
        .is_some_and(|first| spaced(first) && first.is_alphanumeric());
    match after && word {
        true => format!(" {line}"),
        false => line.to_owned(),
    }
}

/// Ctrl-C ends the continuation that is being written, otherwise the program.
struct Signals {
    writing: Arc<AtomicBool>,
    stop: Arc<AtomicBool>,
}

impl Signals {
    fn listen() -> anyhow::Result<Self> {
        let signals = Self {
            writing: Arc::default(),
            stop: Arc::default(),
        };
        let (writing, stop) = (signals.writing.clone(), signals.stop.clone());
        ctrlc::set_handler(move || {
            if !writing.load(Ordering::SeqCst) || stop.swap(true, Ordering::SeqCst) {
                process::exit(i32::from(INTERRUPTED));
            }
        })
        .context("cannot listen for Ctrl-C")?;
        Ok(signals)
    }

    fn begin(&self) {
        self.stop.store(false, Ordering::SeqCst);
        self.writing.store(true, Ordering::SeqCst);
    }

    fn end(&self) {
        self.writing.store(false, Ordering::SeqCst);
    }

    fn asked(&self) -> bool {
        self.stop.load(Ordering::SeqCst)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_texts_or_commands() {
        assert!(
            matches!(asked("Call me Ishmael."), Asked::Continue(line) if line == "Call me Ishmael.")
        );
        assert!(matches!(asked(""), Asked::Continue(line) if line.is_empty()));
        assert!(matches!(asked("  \t"), Asked::Continue(line) if line.is_empty()));
        assert!(matches!(asked("/again "), Asked::Again));
        assert!(matches!(asked("/quti"), Asked::Unknown(name) if name == "/quti"));
        assert!(matches!(asked("/home/ishmael sailed"), Asked::Continue(_)));
        assert!(matches!(asked("/set top-k 40"), Asked::Set(words) if words == ["--top-k", "40"]));
        assert!(matches!(asked("/set --greedy"), Asked::Set(words) if words == ["--greedy"]));
    }

    #[test]
    fn a_line_stands_behind_the_text_with_a_space_where_one_is_written() {
        assert_eq!(joined("the sea.", "And then"), " And then");
        assert_eq!(joined("the sea", ", and then"), ", and then");
        assert_eq!(joined("the sea ", "was"), "was");
        assert_eq!(joined("今天", "天气"), "天气");
        assert_eq!(joined("今天", "was"), "was");
        assert_eq!(joined("", "was"), "was");
        assert_eq!(joined("the sea", ""), "");
    }
}
