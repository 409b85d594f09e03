use std::collections::BTreeSet;
use std::ops::Range;

use super::{OUTSIDE, Position, Tag, TagError, TagScheme};

/// An entity of a sentence.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Entity {
    /// Its type: `PER`, `LOC`.
    pub kind: String,
    /// Its words, from 0.
    pub words: (usize, usize),
}

impl Entity {
    /// An entity over some words.
    pub fn new(kind: impl Into<String>, words: Range<usize>) -> Self {
        Self {
            kind: kind.into(),
            words: (words.start, words.end),
        }
    }

    /// Its words, from 0.
    pub fn range(&self) -> Range<usize> {
        self.words.0..self.words.1
    }
}

impl TagScheme {
    /// The entities that tags describe, in their order.
    ///
    /// # Errors
    /// As [`validate`](Self::validate); if the scheme is [`Plain`](Self::Plain), which has none.
    pub fn entities<S: AsRef<str>>(self, tags: &[S]) -> Result<Vec<Entity>, TagError> {
        self.validate(tags)?;
        if self == Self::Plain {
            return Err(no_entities(self));
        }
        let mut entities: Vec<Entity> = Vec::new();
        let mut before = Tag::Outside;
        for (word, tag) in tags.iter().enumerate() {
            // Valid tags can be parsed.
            let tag = Tag::parse(tag.as_ref()).unwrap_or(Tag::Outside);
            if let Tag::Part(position, kind) = tag {
                let begins = match position {
                    Position::Begin | Position::Single => true,
                    Position::Inside | Position::End => before.kind() != Some(kind),
                };
                match entities.last_mut().filter(|_| !begins) {
                    Some(entity) => entity.words.1 = word + 1,
                    None => entities.push(Entity::new(kind, word..word + 1)),
                }
            }
            before = tag;
        }
        Ok(entities)
    }

    /// The tags of a sentence of so many words that describe these entities, which are in order
    /// and do not overlap.
    ///
    /// # Errors
    /// If the scheme is [`Plain`](Self::Plain).
    pub fn tags(self, words: usize, entities: &[Entity]) -> Result<Vec<String>, TagError> {
        if self == Self::Plain {
            return Err(no_entities(self));
        }
        let mut tags = vec![OUTSIDE.to_owned(); words];
        let mut before: Option<&Entity> = None;
        for entity in entities {
            let follows = before.is_some_and(|before| {
                before.words.1 == entity.words.0 && before.kind == entity.kind
            });
            for word in entity.range() {
                let position = self.position(word, entity, follows);
                tags[word] = Self::tag(position, &entity.kind);
            }
            before = Some(entity);
        }
        Ok(tags)
    }

    fn position(self, word: usize, entity: &Entity, follows: bool) -> Position {
        let (first, last) = (word == entity.words.0, word + 1 == entity.words.1);
        match (self, first, last) {
            (Self::Bio, true, _) => Position::Begin,
            (Self::Iob1, true, _) if follows => Position::Begin,
            (Self::Bioes, true, true) => Position::Single,
            (Self::Bioes, true, false) => Position::Begin,
            (Self::Bioes, false, true) => Position::End,
            _ => Position::Inside,
        }
    }

    /// Tags of this scheme as tags of another. [`Io`](Self::Io) joins entities of a type that
    /// stand side by side.
    ///
    /// # Errors
    /// As [`validate`](Self::validate); if one of two different schemes is
    /// [`Plain`](Self::Plain).
    pub fn convert<S: AsRef<str>>(self, tags: &[S], to: Self) -> Result<Vec<String>, TagError> {
        if self == to {
            self.validate(tags)?;
            return Ok(tags.iter().map(|tag| tag.as_ref().to_owned()).collect());
        }
        to.tags(tags.len(), &self.entities(tags)?)
    }

    /// All tags that a model needs for data with these tags, in the order of their ids: `O` first,
    /// then every tag of each type, were it in the data or not; plain tags by code point.
    pub fn labels<'a>(self, observed: impl IntoIterator<Item = &'a str>) -> Vec<String> {
        let observed: BTreeSet<&str> = observed.into_iter().collect();
        if self == Self::Plain {
            return observed.into_iter().map(str::to_owned).collect();
        }
        let kinds: BTreeSet<&str> = observed
            .iter()
            .filter_map(|tag| Tag::parse(tag)?.kind())
            .collect();
        let parts = kinds.into_iter().flat_map(|kind| {
            let positions = self.positions().iter();
            positions.map(move |&position| Self::tag(position, kind))
        });
        std::iter::once(OUTSIDE.to_owned()).chain(parts).collect()
    }
}

fn no_entities(scheme: TagScheme) -> TagError {
    TagError {
        word: 0,
        found: format!("tags of the scheme {}", scheme.name()),
        wanted: "tags of entities: bio, iob1, bioes or io".into(),
    }
}
