use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::OUTSIDE;

/// How tags say where entities begin and end.
///
/// | scheme | an entity of three words, one of a single word | two entities of a type side by side |
/// |---|---|---|
/// | `bio` | `B-X I-X I-X`, `B-X` | `B-X B-X` |
/// | `iob1` | `I-X I-X I-X`, `I-X` | `I-X B-X` |
/// | `bioes` | `B-X I-X E-X`, `S-X` | `S-X S-X` |
/// | `io` | `I-X I-X I-X`, `I-X` | cannot be told from one |
/// | `plain` | a tag says something about its word alone | |
///
/// `O` is the tag of a word outside of all entities. BIO is also known as IOB2, and IOB1 is what
/// Ramshaw and Marcus (1995) and the files of CoNLL-2003 use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TagScheme {
    /// `B-` begins an entity, `I-` goes on with it.
    Bio,
    /// `I-` begins and goes on; `B-` begins right after another entity of the type.
    Iob1,
    /// `B-` begins, `I-` goes on, `E-` ends, `S-` is an entity of a single word.
    Bioes,
    /// `I-` alone.
    Io,
    /// Parts of speech, or any other tags of single words.
    Plain,
}

/// Where in an entity a word stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Position {
    /// `B-`: the first word.
    Begin,
    /// `I-`: a word inside.
    Inside,
    /// `E-`: the last word.
    End,
    /// `S-`: the only word.
    Single,
}

impl Position {
    const ALL: [Self; 4] = [Self::Begin, Self::Inside, Self::End, Self::Single];

    fn letter(self) -> char {
        match self {
            Self::Begin => 'B',
            Self::Inside => 'I',
            Self::End => 'E',
            Self::Single => 'S',
        }
    }
}

/// A tag in its parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Tag<'a> {
    /// `O`
    Outside,
    /// `B-PER`: a place in an entity and the entity's type.
    Part(Position, &'a str),
}

impl<'a> Tag<'a> {
    /// The parts of `O` or of a letter among `B`, `I`, `E` and `S`, a hyphen and a type; `None` for
    /// anything else.
    pub fn parse(tag: &'a str) -> Option<Self> {
        if tag == OUTSIDE {
            return Some(Self::Outside);
        }
        let (letter, kind) = tag.split_once('-')?;
        let position = Position::ALL
            .into_iter()
            .find(|position| letter.chars().eq([position.letter()]))?;
        (!kind.is_empty()).then_some(Self::Part(position, kind))
    }

    /// The entity's type, of a word in an entity.
    pub fn kind(self) -> Option<&'a str> {
        match self {
            Self::Outside => None,
            Self::Part(_, kind) => Some(kind),
        }
    }
}

/// A tag that cannot stand where it does.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("word {}: found {found}, wanted {wanted}", .word + 1)]
pub struct TagError {
    /// Which word, from 0.
    pub word: usize,
    /// What is there.
    pub found: String,
    /// What should be there.
    pub wanted: String,
}

impl TagScheme {
    /// Every scheme.
    pub const ALL: [Self; 5] = [Self::Bio, Self::Iob1, Self::Bioes, Self::Io, Self::Plain];

    /// The name: `bio`, `iob1`, `bioes`, `io`, `plain`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bio => "bio",
            Self::Iob1 => "iob1",
            Self::Bioes => "bioes",
            Self::Io => "io",
            Self::Plain => "plain",
        }
    }

    /// The letters that stand before a type, in the order in which labels are numbered.
    pub(super) fn positions(self) -> &'static [Position] {
        match self {
            Self::Bio | Self::Iob1 => &[Position::Begin, Position::Inside],
            Self::Bioes => &Position::ALL,
            Self::Io => &[Position::Inside],
            Self::Plain => &[],
        }
    }

    /// The tag of a word at this place of an entity.
    pub(super) fn tag(position: Position, kind: &str) -> String {
        format!("{}-{kind}", position.letter())
    }

    /// Checks the tags of a sentence.
    ///
    /// # Errors
    /// The first tag that is none of the scheme's, or that cannot follow the one before it.
    pub fn validate<S: AsRef<str>>(self, tags: &[S]) -> Result<(), TagError> {
        if self == Self::Plain {
            return match tags.iter().position(|tag| tag.as_ref().is_empty()) {
                Some(word) => Err(error(word, "an empty tag", "a tag")),
                None => Ok(()),
            };
        }
        let mut before = Tag::Outside;
        for (word, text) in tags.iter().map(AsRef::as_ref).enumerate() {
            let tag = Tag::parse(text)
                .filter(|tag| match tag {
                    Tag::Outside => true,
                    Tag::Part(position, _) => self.positions().contains(position),
                })
                .ok_or_else(|| error(word, format!("the tag {text:?}"), self.describe()))?;
            if let Some(wanted) = self.wanted(before, tag) {
                let found = match word.checked_sub(1) {
                    Some(last) => format!("{text:?} after {:?}", tags[last].as_ref()),
                    None => format!("{text:?} at the start"),
                };
                return Err(error(word, found, wanted));
            }
            before = tag;
        }
        match (self, before, tags.len().checked_sub(1)) {
            (Self::Bioes, Tag::Part(Position::Begin | Position::Inside, kind), Some(last)) => {
                let found = format!("{:?} as the last tag", tags[last].as_ref());
                Err(error(last, found, closing(last == 0, kind)))
            }
            _ => Ok(()),
        }
    }

    /// What should stand in the place of `tag`, if it cannot follow `before`.
    fn wanted(self, before: Tag<'_>, tag: Tag<'_>) -> Option<String> {
        use Position::{Begin, End, Inside, Single};
        let same = before.kind() == tag.kind();
        let open = matches!(before, Tag::Part(Begin | Inside, _));
        match (self, tag) {
            (Self::Bio, Tag::Part(Inside, kind)) if !same => Some(format!(
                "\"B-{kind}\", as no entity of that type goes on here"
            )),
            (Self::Iob1, Tag::Part(Begin, kind)) if !same => Some(format!(
                "\"I-{kind}\": `B-` only parts two entities of a type side by side"
            )),
            (Self::Bioes, Tag::Part(Inside | End, _)) if open && same => None,
            (Self::Bioes, Tag::Part(Inside | End, kind)) if !open => Some(format!(
                "\"B-{kind}\" or \"S-{kind}\", as no entity of that type goes on here"
            )),
            (Self::Bioes, Tag::Part(Begin | Single | Inside | End, _) | Tag::Outside) if open => {
                // `before` is a part of an entity: it is open.
                let kind = before.kind().unwrap_or_default();
                Some(format!(
                    "\"I-{kind}\" or \"E-{kind}\", as the entity before has no end"
                ))
            }
            _ => None,
        }
    }

    fn describe(self) -> String {
        let letters = self.positions();
        let shown: Vec<String> = letters
            .iter()
            .map(|position| format!("`{}-…`", position.letter()))
            .collect();
        format!(
            "`O` or {} of the tag scheme {}",
            shown.join(", "),
            self.name()
        )
    }

    /// The tag of the sub-words of a word after its first one: an entity that begins with the
    /// word goes on in them.
    pub fn continuation(self, tag: &str) -> String {
        match Tag::parse(tag) {
            Some(Tag::Part(Position::Begin | Position::Single, kind)) if self != Self::Plain => {
                Self::tag(Position::Inside, kind)
            }
            _ => tag.to_owned(),
        }
    }
}

/// What should stand in the place of the last tag of a sentence that leaves an entity open.
fn closing(is_first: bool, kind: &str) -> String {
    if is_first {
        return format!("\"S-{kind}\"");
    }
    format!("\"E-{kind}\" or \"S-{kind}\": an entity ends with the sentence")
}

fn error(word: usize, found: impl Into<String>, wanted: impl Into<String>) -> TagError {
    TagError {
        word,
        found: found.into(),
        wanted: wanted.into(),
    }
}
