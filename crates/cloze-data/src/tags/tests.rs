use proptest::prelude::*;

use super::*;

fn words(text: &str) -> Vec<&str> {
    text.split_whitespace().collect()
}

#[test]
fn the_same_entities_in_every_scheme() {
    let entities = [
        Entity::new("ORG", 0..1),
        Entity::new("PER", 2..5),
        Entity::new("PER", 5..6),
        Entity::new("LOC", 6..8),
    ];
    for (scheme, tags) in [
        (
            TagScheme::Bio,
            "B-ORG O B-PER I-PER I-PER B-PER B-LOC I-LOC",
        ),
        (
            TagScheme::Iob1,
            "I-ORG O I-PER I-PER I-PER B-PER I-LOC I-LOC",
        ),
        (
            TagScheme::Bioes,
            "S-ORG O B-PER I-PER E-PER S-PER B-LOC E-LOC",
        ),
    ] {
        assert_eq!(scheme.tags(8, &entities).unwrap(), words(tags));
        assert_eq!(scheme.entities(&words(tags)).unwrap(), entities);
        let mut evidence = SchemeEvidence::default();
        evidence.see(&words(tags));
        assert_eq!(evidence.scheme(), scheme);
    }
    let io = words("I-ORG O I-PER I-PER I-PER I-PER I-LOC I-LOC");
    assert_eq!(TagScheme::Io.tags(8, &entities).unwrap(), io);
    let joined = TagScheme::Io.convert(&io, TagScheme::Bioes).unwrap();
    assert_eq!(joined, words("S-ORG O B-PER I-PER I-PER E-PER B-LOC E-LOC"));
}

#[test]
fn a_tag_that_cannot_stand_where_it_does_is_named_with_what_could() {
    let refuse = |scheme: TagScheme, tags: &str| {
        let error = scheme.validate(&words(tags)).unwrap_err();
        error.to_string()
    };
    assert_eq!(
        refuse(TagScheme::Bio, "O I-PER"),
        "word 2: found \"I-PER\" after \"O\", wanted \"B-PER\", as no entity of that type goes on here"
    );
    assert_eq!(
        refuse(TagScheme::Bio, "I-PER"),
        "word 1: found \"I-PER\" at the start, wanted \"B-PER\", as no entity of that type goes on here"
    );
    assert_eq!(
        refuse(TagScheme::Bio, "B-PER E-PER"),
        "word 2: found the tag \"E-PER\", wanted `O` or `B-…`, `I-…` of the tag scheme bio"
    );
    assert_eq!(
        refuse(TagScheme::Iob1, "I-LOC B-PER"),
        "word 2: found \"B-PER\" after \"I-LOC\", wanted \"I-PER\": `B-` only parts two entities of \
         a type side by side"
    );
    assert_eq!(
        refuse(TagScheme::Bioes, "B-PER O"),
        "word 2: found \"O\" after \"B-PER\", wanted \"I-PER\" or \"E-PER\", as the entity before has \
         no end"
    );
    assert_eq!(
        refuse(TagScheme::Bioes, "S-PER I-PER"),
        "word 2: found \"I-PER\" after \"S-PER\", wanted \"B-PER\" or \"S-PER\", as no entity of that \
         type goes on here"
    );
    assert_eq!(
        refuse(TagScheme::Bioes, "O B-PER I-PER"),
        "word 3: found \"I-PER\" as the last tag, wanted \"E-PER\" or \"S-PER\": an entity ends with \
         the sentence"
    );
    assert_eq!(
        refuse(TagScheme::Io, "B-PER"),
        "word 1: found the tag \"B-PER\", wanted `O` or `I-…` of the tag scheme io"
    );
    for tag in ["o", "B", "B-", "-PER", "BB-PER", "b-PER"] {
        assert!(TagScheme::Bio.validate(&[tag]).is_err(), "{tag}");
    }
    assert!(TagScheme::Plain.validate(&["NN", "B", "-"]).is_ok());
    assert!(TagScheme::Plain.entities(&["NN"]).is_err());
}

#[test]
fn a_type_may_hold_a_hyphen() {
    let tags = ["B-geo-loc", "I-geo-loc"];
    let entities = TagScheme::Bio.entities(&tags).unwrap();
    assert_eq!(entities, [Entity::new("geo-loc", 0..2)]);
}

#[test]
fn a_mistake_among_tags_of_entities_does_not_make_them_plain() {
    let mut evidence = SchemeEvidence::default();
    evidence.see(&["B-X", "I-X", "0", "B-X"]);
    assert_eq!(evidence.scheme(), TagScheme::Bio);
    evidence.see(&["NN", "VB", "NN", "B-"]);
    assert_eq!(evidence.scheme(), TagScheme::Plain);
}

#[test]
fn labels_are_complete_and_begin_with_outside() {
    let bio = TagScheme::Bio.labels(["B-PER", "O", "B-LOC"]);
    assert_eq!(bio, words("O B-LOC I-LOC B-PER I-PER"));
    let bioes = TagScheme::Bioes.labels(["S-X"]);
    assert_eq!(bioes, words("O B-X I-X E-X S-X"));
    assert_eq!(TagScheme::Plain.labels(["v", "a", "v"]), ["a", "v"]);
    assert_eq!(TagScheme::of_labels(&bio), TagScheme::Bio);
    assert_eq!(TagScheme::of_labels(&bioes), TagScheme::Bioes);
    assert_eq!(TagScheme::of_labels(&["O", "I-X"]), TagScheme::Io);
    assert_eq!(TagScheme::of_labels(&["O", "B-X"]), TagScheme::Bio);
    assert_eq!(
        TagScheme::of_labels(&["O", "B-X", "I-X", "I-Y"]),
        TagScheme::Iob1
    );
    assert_eq!(TagScheme::of_labels(&["NN", "VB"]), TagScheme::Plain);
}

#[test]
fn an_entity_goes_on_in_the_sub_words_of_its_first_word() {
    let continuation = |tag| TagScheme::Bioes.continuation(tag);
    assert_eq!(
        ["B-X", "S-X", "I-X", "E-X", "O"].map(continuation),
        ["I-X", "I-X", "I-X", "E-X", "O"]
    );
    assert_eq!(TagScheme::Plain.continuation("B-X"), "B-X");
}

/// Entities of a sentence, and the number of its words.
fn sentences() -> impl Strategy<Value = (usize, Vec<Entity>)> {
    let piece = (0_usize..3, 1_usize..4, prop::option::of("[A-Z]{1,2}"));
    prop::collection::vec(piece, 0..6).prop_map(|pieces| {
        let mut words = 0;
        let mut entities = Vec::new();
        for (gap, length, kind) in pieces {
            words += gap;
            if let Some(kind) = kind {
                entities.push(Entity::new(kind, words..words + length));
            }
            words += length;
        }
        (words, entities)
    })
}

proptest! {
    #[test]
    fn entities_survive_every_conversion((words, entities) in sentences()) {
        let full = [TagScheme::Bio, TagScheme::Iob1, TagScheme::Bioes];
        for from in full {
            let tags = from.tags(words, &entities).unwrap();
            prop_assert_eq!(&from.entities(&tags).unwrap(), &entities);
            for to in full {
                let converted = from.convert(&tags, to).unwrap();
                prop_assert_eq!(&to.tags(words, &entities).unwrap(), &converted);
            }
            // Without boundaries, every word still has its type.
            let io = from.convert(&tags, TagScheme::Io).unwrap();
            for (tag, io) in tags.iter().zip(&io) {
                let kind = |tag| Tag::parse(tag).unwrap().kind();
                prop_assert_eq!(kind(tag), kind(io));
            }
        }
    }

    #[test]
    fn data_of_a_scheme_are_valid_in_the_scheme_that_is_found(
        (words, entities) in sentences(), scheme in 0_usize..4,
    ) {
        let scheme = TagScheme::ALL[scheme];
        let tags = scheme.tags(words, &entities).unwrap();
        let mut evidence = SchemeEvidence::default();
        evidence.see(&tags);
        prop_assert!(evidence.scheme().validate(&tags).is_ok());
    }

    #[test]
    fn no_tags_are_too_strange(tags in prop::collection::vec("[BIES]?-?[A-Z]{0,2}", 0..8)) {
        for scheme in TagScheme::ALL {
            let valid = scheme.validate(&tags).is_ok();
            let has_entities = scheme.entities(&tags).is_ok();
            prop_assert_eq!(valid && scheme != TagScheme::Plain, has_entities);
        }
    }
}
