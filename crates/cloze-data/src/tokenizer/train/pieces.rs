use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap};

use super::{VocabTraining, WordCounts};

/// What marks a piece that continues a word.
const CONTINUING: &str = "##";

/// Ids of two pieces that stand side by side.
type Pair = (usize, usize);

/// Adds the learnt tokens to `tokens`, which holds the special ones.
pub(super) fn learn(words: &WordCounts, training: &VocabTraining, tokens: &mut Vec<String>) {
    let mut words: Vec<(&str, u64)> = words.iter().map(|(word, &n)| (word.as_str(), n)).collect();
    words.sort_unstable();
    add_alphabet(&words, training, tokens);
    let mut learner = Learner::new(&words, std::mem::take(tokens));
    while learner.tokens.len() < training.size {
        let Some((pair, count)) = learner.most_frequent() else {
            break;
        };
        if count < training.min_frequency.max(1) {
            break;
        }
        learner.join(pair);
    }
    *tokens = learner.tokens;
}

/// How often a character starts a word and continues one.
#[derive(Default)]
struct Occurrences {
    starting: u64,
    continuing: u64,
}

/// Adds single characters: all of them as words, then those seen inside a word as continuing
/// pieces, each in the order of their code points.
fn add_alphabet(words: &[(&str, u64)], training: &VocabTraining, tokens: &mut Vec<String>) {
    let mut alphabet: BTreeMap<char, Occurrences> = BTreeMap::new();
    for (word, count) in words {
        for (index, character) in word.chars().enumerate() {
            let seen = alphabet.entry(character).or_default();
            if index == 0 {
                seen.starting += count;
            } else {
                seen.continuing += count;
            }
        }
    }
    let mut by_frequency: Vec<_> = alphabet.into_iter().collect();
    by_frequency
        .sort_by_key(|(character, seen)| (Reverse(seen.starting + seen.continuing), *character));
    by_frequency.truncate(training.alphabet.unwrap_or(usize::MAX));
    let mut room = training.size - tokens.len();
    let (mut starting, mut continuing) = (BTreeSet::new(), BTreeSet::new());
    for (character, seen) in by_frequency {
        let pieces = 1 + usize::from(seen.continuing > 0);
        if pieces > room {
            break;
        }
        room -= pieces;
        starting.insert(character.to_string());
        if seen.continuing > 0 {
            continuing.insert(format!("{CONTINUING}{character}"));
        }
    }
    let known: BTreeSet<String> = tokens.iter().cloned().collect();
    let new = starting.into_iter().chain(continuing);
    tokens.extend(new.filter(|token| !known.contains(token)));
}

struct Word {
    pieces: Vec<usize>,
    count: u64,
}

impl Word {
    fn pairs(&self) -> impl Iterator<Item = Pair> + '_ {
        self.pieces.windows(2).map(|pair| (pair[0], pair[1]))
    }

    fn join(&mut self, pair: Pair, joined: usize) {
        let mut pieces = Vec::with_capacity(self.pieces.len());
        let mut index = 0;
        while index < self.pieces.len() {
            let piece = self.pieces[index];
            if piece == pair.0 && self.pieces.get(index + 1) == Some(&pair.1) {
                pieces.push(joined);
                index += 2;
            } else {
                pieces.push(piece);
                index += 1;
            }
        }
        self.pieces = pieces;
    }
}

struct Learner {
    tokens: Vec<String>,
    ids: HashMap<String, usize>,
    words: Vec<Word>,
    /// How often a pair occurs now.
    counts: HashMap<Pair, u64>,
    /// Words that a pair occurs in or has occurred in.
    places: HashMap<Pair, Vec<usize>>,
    /// Pairs by a count that they had: it may have become smaller since, never greater. Of equal
    /// ones, that with the earlier tokens comes first.
    queue: BinaryHeap<(u64, Reverse<Pair>)>,
}

impl Learner {
    fn new(words: &[(&str, u64)], tokens: Vec<String>) -> Self {
        let ids: HashMap<String, usize> = tokens.iter().cloned().zip(0..).collect();
        let mut learner = Self {
            tokens,
            ids,
            words: Vec::with_capacity(words.len()),
            counts: HashMap::new(),
            places: HashMap::new(),
            queue: BinaryHeap::new(),
        };
        for &(word, count) in words {
            let pieces = learner.characters(word);
            let word = Word { pieces, count };
            let place = learner.words.len();
            for pair in word.pairs() {
                *learner.counts.entry(pair).or_default() += count;
                learner.places.entry(pair).or_default().push(place);
            }
            learner.words.push(word);
        }
        let counts = learner.counts.iter();
        learner.queue = counts.map(|(&pair, &n)| (n, Reverse(pair))).collect();
        learner
    }

    /// The pieces of a word's characters; none if one of them is not in the alphabet, for such a
    /// word is `[UNK]`.
    fn characters(&self, word: &str) -> Vec<usize> {
        let pieces = word.chars().enumerate().map(|(index, character)| {
            if index == 0 {
                self.ids.get(&character.to_string()).copied()
            } else {
                self.ids.get(&format!("{CONTINUING}{character}")).copied()
            }
        });
        pieces.collect::<Option<Vec<_>>>().unwrap_or_default()
    }

    fn most_frequent(&mut self) -> Option<(Pair, u64)> {
        while let Some((queued, Reverse(pair))) = self.queue.pop() {
            let count = self.counts.get(&pair).copied().unwrap_or(0);
            if count == queued && count > 0 {
                return Some((pair, count));
            }
            if count > 0 {
                self.queue.push((count, Reverse(pair)));
            }
        }
        None
    }

    /// Makes one piece of a pair wherever it occurs.
    fn join(&mut self, pair: Pair) {
        let (first, second) = (&self.tokens[pair.0], &self.tokens[pair.1]);
        let second = second.strip_prefix(CONTINUING).unwrap_or(second);
        let token = format!("{first}{second}");
        // Two pairs may make the same piece: a+bc and ab+c.
        let joined = match self.ids.get(&token) {
            Some(&id) => id,
            None => {
                let id = self.tokens.len();
                self.ids.insert(token.clone(), id);
                self.tokens.push(token);
                id
            }
        };
        let mut grown = BTreeSet::new();
        for place in self.places.remove(&pair).unwrap_or_default() {
            self.rejoin(place, pair, joined, &mut grown);
        }
        self.counts.remove(&pair);
        for pair in grown {
            if let Some(&count) = self.counts.get(&pair) {
                self.queue.push((count, Reverse(pair)));
            }
        }
    }

    fn rejoin(&mut self, place: usize, pair: Pair, joined: usize, grown: &mut BTreeSet<Pair>) {
        let word = &mut self.words[place];
        if !word.pairs().any(|other| other == pair) {
            return;
        }
        for old in word.pairs() {
            if let Some(count) = self.counts.get_mut(&old) {
                *count -= word.count;
            }
        }
        word.join(pair, joined);
        for new in word.pairs() {
            *self.counts.entry(new).or_default() += word.count;
            if new.0 == joined || new.1 == joined {
                self.places.entry(new).or_default().push(place);
                grown.insert(new);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn learn_from(words: &[(&str, u64)], training: &VocabTraining) -> Vec<String> {
        let words = words
            .iter()
            .map(|&(word, n)| (word.to_owned(), n))
            .collect();
        let mut tokens = vec!["[UNK]".to_owned()];
        learn(&words, training, &mut tokens);
        tokens
    }

    #[test]
    fn the_most_frequent_pairs_become_tokens_first() {
        let training = VocabTraining {
            size: 100,
            ..VocabTraining::default()
        };
        // hug ×10, pug ×5, hugs ×5: ##u+##g occurs 20 times, h+##ug 15, hug+##s and p+##ug 5.
        let tokens = learn_from(&[("hug", 10), ("pug", 5), ("hugs", 5)], &training);
        assert_eq!(
            tokens,
            [
                "[UNK]", "g", "h", "p", "s", "u", "##g", "##s", "##u", "##ug", "hug", "pug", "hugs"
            ]
        );
    }

    #[test]
    fn a_small_size_keeps_the_frequent_characters_and_rare_pairs_stay_apart() {
        let small = VocabTraining {
            size: 4,
            ..VocabTraining::default()
        };
        assert_eq!(
            learn_from(&[("中", 9), ("国", 8), ("的", 20), ("罕", 1)], &small),
            ["[UNK]", "中", "国", "的"]
        );
        let rare = VocabTraining {
            size: 100,
            min_frequency: 3,
            ..VocabTraining::default()
        };
        assert_eq!(
            learn_from(&[("ab", 3), ("cd", 2)], &rare),
            ["[UNK]", "a", "b", "c", "d", "##b", "##d", "ab"]
        );
    }

    #[test]
    fn a_repeated_character_is_joined_from_the_left() {
        let training = VocabTraining {
            size: 9,
            ..VocabTraining::default()
        };
        // a ##a ##a ##a ##a → a ##aa ##aa; then two pairs are equally frequent.
        let tokens = learn_from(&[("aaaaa", 4)], &training);
        assert_eq!(tokens[1..], ["a", "##a", "##aa", "aaa", "aaaaa"]);
    }
}
