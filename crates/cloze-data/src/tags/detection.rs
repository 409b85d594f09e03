use super::{Position, Tag, TagScheme};

/// What the tags of a data set tell about their scheme.
///
/// ```
/// use cloze_data::tags::{SchemeEvidence, TagScheme};
///
/// let mut evidence = SchemeEvidence::default();
/// evidence.see(&["B-PER", "I-PER", "O"]);
/// assert_eq!(evidence.scheme(), TagScheme::Bio);
/// evidence.see(&["S-LOC"]);
/// assert_eq!(evidence.scheme(), TagScheme::Bioes);
///
/// let mut words = SchemeEvidence::default();
/// words.see(&["DET", "NOUN"]);
/// assert_eq!(words.scheme(), TagScheme::Plain);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SchemeEvidence {
    /// Tags of parts of entities.
    parts: usize,
    /// Tags that are no part of an entity and not `O`.
    others: usize,
    begin: bool,
    inside: bool,
    /// `E-` or `S-`.
    end_or_single: bool,
    /// `I-` where BIO wants `B-`.
    inside_at_start: bool,
    /// `B-` where IOB1 wants `I-`.
    begin_at_start: bool,
}

impl SchemeEvidence {
    /// Looks at the tags of a sentence.
    pub fn see<S: AsRef<str>>(&mut self, tags: &[S]) {
        let mut before = Tag::Outside;
        for tag in tags {
            let Some(tag) = Tag::parse(tag.as_ref()) else {
                self.others += 1;
                before = Tag::Outside;
                continue;
            };
            self.parts += usize::from(tag != Tag::Outside);
            let starts = before.kind() != tag.kind();
            match tag {
                Tag::Outside => (),
                Tag::Part(Position::Begin, _) => {
                    self.begin = true;
                    self.begin_at_start |= starts;
                }
                Tag::Part(Position::Inside, _) => {
                    self.inside = true;
                    self.inside_at_start |= starts;
                }
                Tag::Part(Position::End | Position::Single, _) => self.end_or_single = true,
            }
            before = tag;
        }
    }

    /// The scheme that fits best. Where there is nothing but `O` it is BIO. A few tags of another
    /// form do not make it plain: they are mistakes among tags of entities.
    pub fn scheme(&self) -> TagScheme {
        if self.others > self.parts {
            TagScheme::Plain
        } else if self.end_or_single {
            TagScheme::Bioes
        } else if self.begin && self.inside_at_start && !self.begin_at_start {
            TagScheme::Iob1
        } else if self.inside && !self.begin {
            TagScheme::Io
        } else {
            TagScheme::Bio
        }
    }
}

impl TagScheme {
    /// The scheme of a set of labels, which stand in no order, such as those of a model. Where a
    /// type has `I-` and no `B-`, and another one has `B-`, it is IOB1.
    pub fn of_labels<S: AsRef<str>>(labels: &[S]) -> Self {
        let mut evidence = SchemeEvidence::default();
        for label in labels {
            evidence.see(std::slice::from_ref(label));
        }
        let has = |wanted: Tag<'_>| {
            labels
                .iter()
                .any(|label| Tag::parse(label.as_ref()) == Some(wanted))
        };
        let never_begins = |label: &S| match Tag::parse(label.as_ref()) {
            Some(Tag::Part(Position::Inside, kind)) => !has(Tag::Part(Position::Begin, kind)),
            _ => false,
        };
        match evidence.scheme() {
            Self::Bio if labels.iter().any(never_begins) => Self::Iob1,
            found => found,
        }
    }
}
