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
/// evidence.see(&["NOUN"]);
/// assert_eq!(evidence.scheme(), TagScheme::Plain);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SchemeEvidence {
    /// A tag that is no part of an entity and not `O`.
    other: bool,
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
                self.other = true;
                return;
            };
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

    /// The scheme that fits best. Where there is nothing but `O` it is BIO.
    pub fn scheme(&self) -> TagScheme {
        if self.other {
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
    /// The scheme of a set of labels, which stand in no order, such as those of a model.
    pub fn of_labels<S: AsRef<str>>(labels: &[S]) -> Self {
        let mut evidence = SchemeEvidence::default();
        for label in labels {
            evidence.see(std::slice::from_ref(label));
        }
        evidence.scheme()
    }
}
