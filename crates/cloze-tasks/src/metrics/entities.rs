//! Precision, recall and F1 of entities, as `seqeval` computes them: an entity counts as found
//! where a prediction has its type, its first word and its last word. A quotient without a
//! denominator is 0.

use std::collections::{BTreeMap, HashSet};

use cloze_data::tags::{Entity, Position, Tag, TagScheme};

use super::{Cell, ClassScores, Table, f1::ratio};

/// Entities by type: how many were found, predicted, and there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EntityCounts(BTreeMap<String, Counts>);

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Counts {
    hits: u64,
    predicted: u64,
    support: u64,
}

impl Counts {
    fn scores(self) -> ClassScores {
        ClassScores {
            precision: ratio(self.hits, self.predicted),
            recall: ratio(self.hits, self.support),
            f1: ratio(2 * self.hits, self.predicted + self.support),
            support: self.support,
        }
    }
}

impl EntityCounts {
    /// Counts the entities of a sentence.
    pub fn add(&mut self, truth: &[Entity], predicted: &[Entity]) {
        let there: HashSet<&Entity> = truth.iter().collect();
        for entity in truth {
            self.of(entity).support += 1;
        }
        for entity in predicted {
            let hit = there.contains(entity);
            let counts = self.of(entity);
            counts.predicted += 1;
            counts.hits += u64::from(hit);
        }
    }

    fn of(&mut self, entity: &Entity) -> &mut Counts {
        self.0.entry(entity.kind.clone()).or_default()
    }

    /// The scores of every type that occurs among true or predicted entities.
    pub fn by_type(&self) -> impl Iterator<Item = (&str, ClassScores)> {
        let kinds = self.0.iter();
        kinds.map(|(kind, counts)| (kind.as_str(), counts.scores()))
    }

    /// From the counts of all types together.
    pub fn micro(&self) -> ClassScores {
        let mut all = Counts::default();
        for counts in self.0.values() {
            all.hits += counts.hits;
            all.predicted += counts.predicted;
            all.support += counts.support;
        }
        all.scores()
    }

    /// The mean over the types.
    pub fn macro_average(&self) -> ClassScores {
        self.mean(|_| 1)
    }

    /// The mean over the types, by their true entities.
    pub fn weighted_average(&self) -> ClassScores {
        self.mean(|counts| counts.support)
    }

    fn mean(&self, weight: impl Fn(&Counts) -> u64) -> ClassScores {
        let total = self.0.values().map(&weight).sum::<u64>().max(1) as f64;
        let mean = |part: fn(&ClassScores) -> f64| {
            let parts = self.0.values();
            let sum: f64 = parts
                .map(|counts| weight(counts) as f64 * part(&counts.scores()))
                .sum();
            sum / total
        };
        ClassScores {
            precision: mean(|scores| scores.precision),
            recall: mean(|scores| scores.recall),
            f1: mean(|scores| scores.f1),
            support: self.0.values().map(|counts| counts.support).sum(),
        }
    }

    /// A row of scores for each type, then the three averages.
    pub fn table(&self, name: &str, row_header: &str) -> Table {
        let row = |name: &str, scores: ClassScores| {
            let [precision, recall, f1] =
                [scores.precision, scores.recall, scores.f1].map(Cell::Score);
            (
                name.to_owned(),
                vec![precision, recall, f1, Cell::Count(scores.support)],
            )
        };
        let averages = [
            ("micro avg", self.micro()),
            ("macro avg", self.macro_average()),
            ("weighted avg", self.weighted_average()),
        ];
        Table {
            name: name.into(),
            row_header: row_header.into(),
            columns: ["precision", "recall", "f1", "support"]
                .map(Into::into)
                .into(),
            rows: self
                .by_type()
                .chain(averages)
                .map(|(name, scores)| row(name, scores))
                .collect(),
        }
    }
}

/// The entities that tags describe, whether they are valid or not, as `seqeval` finds them unless
/// it is told to be strict (and as CoNLL's `conlleval` does): an entity begins wherever a tag says
/// so or the type changes.
pub fn lenient_entities<S: AsRef<str>>(tags: &[S]) -> Vec<Entity> {
    let mut entities: Vec<Entity> = Vec::new();
    let mut before = Tag::Outside;
    for (word, tag) in tags.iter().enumerate() {
        let tag = Tag::parse(tag.as_ref()).unwrap_or(Tag::Outside);
        if let Tag::Part(position, kind) = tag {
            let begins = match (before, position) {
                (Tag::Outside, _) | (_, Position::Begin | Position::Single) => true,
                (Tag::Part(Position::End | Position::Single, _), _) => true,
                (Tag::Part(_, before), _) => before != kind,
            };
            match entities.last_mut().filter(|_| !begins) {
                Some(entity) => entity.words.1 = word + 1,
                None => entities.push(Entity::new(kind, word..word + 1)),
            }
        }
        before = tag;
    }
    entities
}

/// The entities whose tags follow a scheme from first to last, as `seqeval` finds them in its
/// strict mode with `IOB2` (here BIO) or `IOBES` (BIOES). `None` for other schemes, which have no
/// invalid entities.
pub fn strict_entities<S: AsRef<str>>(tags: &[S], scheme: TagScheme) -> Option<Vec<Entity>> {
    use Position::{Begin, End, Inside, Single};
    if !matches!(scheme, TagScheme::Bio | TagScheme::Bioes) {
        return None;
    }
    let tags: Vec<Tag<'_>> = tags
        .iter()
        .map(|tag| Tag::parse(tag.as_ref()).unwrap_or(Tag::Outside))
        .collect();
    let mut entities = Vec::new();
    let mut word = 0;
    while word < tags.len() {
        let start = word;
        word += 1;
        let Tag::Part(first @ (Begin | Single), kind) = tags[start] else {
            continue;
        };
        let mut last = first;
        while let (Begin | Inside, Some(&Tag::Part(next @ (Inside | End), other))) =
            (last, tags.get(word))
            && other == kind
        {
            last = next;
            word += 1;
        }
        if scheme == TagScheme::Bio || matches!(last, End | Single) {
            entities.push(Entity::new(kind, start..word));
        }
    }
    Some(entities)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entities(tags: &str) -> Vec<(String, usize, usize)> {
        let tags: Vec<&str> = tags.split_whitespace().collect();
        let found = lenient_entities(&tags).into_iter();
        found
            .map(|entity| (entity.kind, entity.words.0, entity.words.1))
            .collect()
    }

    #[test]
    fn an_entity_may_begin_as_it_likes_unless_one_is_strict() {
        let one = |kind: &str, start, end| (kind.to_owned(), start, end);
        assert_eq!(entities("I-A I-A O I-B"), [one("A", 0, 2), one("B", 3, 4)]);
        assert_eq!(entities("B-A I-B"), [one("A", 0, 1), one("B", 1, 2)]);
        assert_eq!(entities("E-A I-A"), [one("A", 0, 1), one("A", 1, 2)]);
        let strict = |tags: &[&str], scheme| strict_entities(tags, scheme).unwrap().len();
        assert_eq!(strict(&["I-A", "I-A", "B-B"], TagScheme::Bio), 1);
        assert_eq!(strict(&["B-A", "I-A", "O", "S-B"], TagScheme::Bioes), 1);
        assert_eq!(strict_entities(&["I-A"], TagScheme::Io), None);
    }

    #[test]
    fn scores_by_hand() {
        let entity = |kind: &str, word: usize| Entity::new(kind, word..word + 1);
        let mut counts = EntityCounts::default();
        counts.add(
            &[entity("A", 0), entity("A", 1), entity("B", 2)],
            &[entity("A", 0), entity("C", 2)],
        );
        let micro = counts.micro();
        assert_eq!(
            (micro.precision, micro.recall, micro.f1),
            (0.5, 1.0 / 3.0, 0.4)
        );
        // F1 of A is 2/3, of B and C 0.
        assert!((counts.macro_average().f1 - 2.0 / 9.0).abs() < 1e-15);
        assert!((counts.weighted_average().f1 - 4.0 / 9.0).abs() < 1e-15);
        let table = counts.table("per_entity", "entity");
        let names: Vec<&str> = table.rows.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(
            names,
            ["A", "B", "C", "micro avg", "macro avg", "weighted avg"]
        );
        assert_eq!(EntityCounts::default().macro_average().f1, 0.0);
    }
}
