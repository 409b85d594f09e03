//! Letters as lines, so that a picture needs no font of the system.
//!
//! A letter is a list of lines, each a list of places of two digits: from 0 at the left to 4, and
//! from 0 at the lowest end of a `g` over 2 at the baseline to 8 at the top of an `l`.

use super::scene::{Anchor, Point};

/// Widths and heights are shares of the size of the text.
const UNIT: (f64, f64) = (0.098, 0.12);
/// From one letter to the next, in units.
const ADVANCE: f64 = 5.6;
const BASELINE: f64 = 2.0;

/// What is drawn for a letter that is not in the list.
const UNKNOWN: &str = "0242480802";

const LETTERS: [(char, &str); 47] = [
    ('a', "16364542 4212031444"),
    ('b', "0802 023243453606"),
    ('c', "461605031242"),
    ('d', "4842 421203051646"),
    ('e', "044445361605031242"),
    ('f', "48382722 0646"),
    ('g', "461605031242 46413000"),
    ('h', "0802 06364542"),
    ('i', "2622 2827"),
    ('j', "36312010 3837"),
    ('k', "0802 460442"),
    ('l', "18282232"),
    ('m', "0602 06162522 25364542"),
    ('n', "0602 06364542"),
    ('o', "163645433212030516"),
    ('p', "0600 063645433202"),
    ('q', "4640 461605031242"),
    ('r', "0602 042646"),
    ('s', "4616051434433202"),
    ('t', "28233242 0646"),
    ('u', "06031242 4642"),
    ('v', "062246"),
    ('w', "0612263246"),
    ('x', "0642 0246"),
    ('y', "0622 461000"),
    ('z', "06460242"),
    ('0', "183847433212030718"),
    ('1', "172822 1232"),
    ('2', "07183847460242"),
    ('3', "084825354443321203"),
    ('4', "32380444"),
    ('5', "4808053544433202"),
    ('6', "38180703123243443505"),
    ('7', "084812"),
    ('8', "1506071838474635150403123243443515"),
    ('9', "45150607183847433212"),
    (' ', ""),
    ('_', "0141"),
    ('-', "1434"),
    ('+', "0444 2622"),
    ('.', "2223"),
    (',', "2311"),
    (':', "2526 2223"),
    ('/', "0148"),
    ('%', "0818170708 3343423233 0248"),
    ('(', "38272331"),
    (')', "18272311"),
];

/// The lines of a text. Capitals are drawn small.
pub(super) fn lines(text: &str, place: Point, size: f64, anchor: Anchor) -> Vec<Vec<Point>> {
    let unit = (UNIT.0 * size, UNIT.1 * size);
    // The last letter has no gap behind it.
    let width = (text.chars().count() as f64 * ADVANCE - (ADVANCE - 4.0)) * unit.0;
    let start = match anchor {
        Anchor::Start => place.0,
        Anchor::Middle => place.0 - width / 2.0,
        Anchor::End => place.0 - width,
    };
    let mut lines = Vec::new();
    for (number, letter) in text.chars().enumerate() {
        let left = start + number as f64 * ADVANCE * unit.0;
        for line in strokes(letter).split_whitespace() {
            let digits: Vec<f64> = line
                .bytes()
                .map(|digit| f64::from(digit.saturating_sub(b'0')))
                .collect();
            let point = |pair: &[f64]| {
                let (x, y) = (pair[0], pair[1] - BASELINE);
                (left + x * unit.0, place.1 - y * unit.1)
            };
            lines.push(digits.chunks_exact(2).map(point).collect());
        }
    }
    lines
}

fn strokes(letter: char) -> &'static str {
    let letter = letter.to_ascii_lowercase();
    let found = LETTERS.iter().find(|(other, _)| *other == letter);
    found.map_or(UNKNOWN, |(_, strokes)| strokes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_letter_is_made_of_lines_within_its_box() {
        for (letter, strokes) in LETTERS {
            for line in strokes.split_whitespace() {
                assert!(line.len() >= 4 && line.len() % 2 == 0, "{letter}: {line}");
                for pair in line.as_bytes().chunks(2) {
                    assert!((b'0'..=b'4').contains(&pair[0]), "{letter}: {line}");
                    assert!((b'0'..=b'8').contains(&pair[1]), "{letter}: {line}");
                }
            }
        }
    }

    #[test]
    fn a_text_lies_where_it_is_anchored() {
        let ends = |anchor| {
            let points: Vec<Point> = lines("00", (100.0, 50.0), 10.0, anchor).concat();
            let x = || points.iter().map(|point| point.0);
            (x().fold(f64::MAX, f64::min), x().fold(f64::MIN, f64::max))
        };
        assert_eq!(ends(Anchor::Start).0, 100.0);
        assert!((ends(Anchor::End).1 - 100.0).abs() < 1e-9);
        let (left, right) = ends(Anchor::Middle);
        assert!((left + right - 200.0).abs() < 1e-9);
    }
}
