use cloze_core::LabelSet;
use cloze_data::readers::tagged::TaggedSentence;
use cloze_model::TokenClassifier;

use super::*;
use crate::Evaluator;

fn task(labels: &[&str]) -> TokenClassification {
    let names = labels.iter().map(|&name| name.to_owned()).collect();
    TokenClassification::new(LabelSet::from_names(names).unwrap(), 16)
}

fn sentence(tags: &[&str]) -> TaggedSentence {
    TaggedSentence {
        words: tags.iter().map(|_| "a".to_owned()).collect(),
        tags: tags.iter().map(|&tag| tag.to_owned()).collect(),
        id: None,
        line: 4,
        word_lines: (4..4 + tags.len()).collect(),
    }
}

fn target(sentence: usize, labels: &[usize]) -> TagTarget {
    let token = |(word, &label): (usize, &usize)| TaggedToken {
        position: word + 1,
        label,
        word: Some(word as u32),
    };
    TagTarget {
        sentence,
        length: labels.len() + 2,
        words: labels.len(),
        tokens: labels.iter().enumerate().map(token).collect(),
    }
}

#[test]
fn tags_become_ids_in_the_scheme_of_the_labels() {
    let bioes = task(&["O", "B-X", "I-X", "E-X", "S-X"]);
    let sentences = [sentence(&["B-X", "I-X", "B-X"])];
    let ids = |scheme| bioes.targets(&sentences, scheme, Path::new("a.conll"), "ner_tags");
    assert_eq!(ids(TagScheme::Bio).unwrap(), [[1, 3, 4]]);
    let plain = task(&["NN", "B-X", "VB"]);
    let sentences = [sentence(&["B-X", "NN"])];
    let found = plain.targets(&sentences, TagScheme::Plain, Path::new("a"), "pos");
    assert_eq!(found.unwrap(), [[1, 0]]);
}

#[test]
fn a_tag_that_is_no_label_is_placed() {
    let sentences = [sentence(&["O", "B-LOC"])];
    let error = task(&["O", "B-X", "I-X"])
        .targets(&sentences, TagScheme::Bio, Path::new("a.conll"), "ner_tags")
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "a.conll, line 5, field `ner_tags`: found the tag \"B-LOC\", wanted one of the labels \
         O, B-X, I-X"
    );
    let plain = [sentence(&["NN"])];
    let error = task(&["O", "B-X", "I-X"])
        .targets(&plain, TagScheme::Plain, Path::new("a.conll"), "pos")
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "a.conll, line 4, field `pos`: found tags of the scheme plain, at word 1, \"a\", wanted \
         tags of entities: bio, iob1, bioes or io"
    );
}

#[test]
fn entities_and_words_have_their_own_metrics() {
    let entities = task(&["O", "B-X", "I-X"]);
    let mut evaluator = entities.evaluator();
    evaluator.keep_predictions();
    let targets = [target(0, &[1, 2, 0]), target(1, &[1])];
    evaluator.add(&targets, 2.0, &[1, 2, 0, 0]);
    let evaluation = evaluator.evaluation();
    let of = |name| evaluation.metrics.get(name).unwrap();
    assert_eq!(
        (of("precision"), of("recall"), of("accuracy"), of("loss")),
        (1.0, 0.5, 0.75, 2.0)
    );
    let tables: Vec<&str> = evaluation
        .tables
        .iter()
        .map(|table| table.name.as_str())
        .collect();
    assert_eq!(tables, ["per_entity", "per_entity_strict"]);
    assert_eq!(evaluator.take_predictions()[1].predicted, ["O"]);

    let words = task(&["a", "v"]);
    let mut evaluator = words.evaluator();
    evaluator.add(&[target(0, &[0, 1, 1])], 1.0, &[0, 1, 0]);
    let evaluation = evaluator.evaluation();
    assert_eq!(
        evaluation.metrics.get("f1"),
        evaluation.metrics.get("accuracy")
    );
    assert_eq!(evaluation.tables[0].name, "per_class");
}

#[test]
fn sentences_are_handed_on_in_their_order_once_all_of_their_words_were_seen() {
    let task = task(&["a", "v"]);
    let mut evaluator = task.evaluator();
    evaluator.keep_predictions();
    let part = |target: &TagTarget, words: std::ops::Range<usize>| TagTarget {
        tokens: target.tokens[words].to_vec(),
        ..target.clone()
    };
    let [first, second, third] = [0, 1, 2].map(|sentence| target(sentence, &[0, 1, 1]));
    let add = |evaluator: &mut TagEvaluator, targets: &[TagTarget]| {
        let predicted = vec![1; targets.iter().map(|target| target.tokens.len()).sum()];
        evaluator.add(targets, 1.0, &predicted);
    };
    add(
        &mut evaluator,
        &[third, part(&first, 0..1), part(&second, 2..3)],
    );
    assert_eq!(evaluator.take_predictions(), []);
    let before = evaluator.evaluation();
    add(&mut evaluator, &[part(&first, 1..3)]);
    assert_eq!(evaluator.take_predictions().len(), 1);
    // What is missing of the second holds the third back, and neither back from being counted.
    let accuracy = |evaluation: &crate::metrics::Evaluation| evaluation.metrics.get("accuracy");
    assert_eq!(accuracy(&before), Some(3.0 / 5.0));
    assert_eq!(accuracy(&evaluator.evaluation()), Some(5.0 / 7.0));
    let last: Vec<usize> = evaluator
        .last_predictions()
        .iter()
        .map(|prediction| prediction.tags.len())
        .collect();
    assert_eq!(last, [1, 3]);
    assert_eq!(accuracy(&evaluator.evaluation()), Some(5.0 / 7.0));
    assert_eq!(evaluator.take_predictions(), []);
}

#[test]
fn the_rest_of_a_long_word_holds_no_sentence_back() {
    let task = task(&["a", "v"]);
    let mut evaluator = task.evaluator();
    evaluator.keep_predictions();
    let rest = TagTarget {
        tokens: vec![TaggedToken {
            position: 1,
            label: 1,
            word: None,
        }],
        ..target(0, &[0, 1])
    };
    for window in [target(0, &[0, 1]), rest, target(1, &[1, 1])] {
        let predicted = vec![1; window.tokens.len()];
        evaluator.add(&[window], 1.0, &predicted);
    }
    assert_eq!(evaluator.take_predictions().len(), 2);
    assert_eq!(evaluator.last_predictions(), []);
    let accuracy = evaluator.evaluation().metrics.get("accuracy");
    assert_eq!(accuracy, Some(3.0 / 4.0));
}

#[test]
fn every_reported_metric_has_a_direction() {
    for labels in [&["O", "B-X", "I-X"][..], &["O", "I-X"], &["a", "v"]] {
        let task = task(labels);
        let evaluation = task.evaluator().evaluation();
        for (name, _) in evaluation.metrics.iter() {
            assert!(task.direction(name).is_some(), "{name}");
        }
        let strict = evaluation.metrics.get("strict_f1").is_some();
        assert_eq!(task.direction("strict_f1").is_some(), strict);
    }
}

fn model(device: &Device) -> TokenClassifier {
    let config = cloze_core::EncoderConfig {
        model_type: "bert".into(),
        vocab_size: 11,
        embedding_size: 8,
        hidden_size: 8,
        num_hidden_layers: 1,
        num_attention_heads: 2,
        intermediate_size: 12,
        hidden_act: cloze_core::Activation::Gelu,
        hidden_dropout_prob: 0.0,
        attention_output_dropout_prob: 0.0,
        attention_probs_dropout_prob: 0.0,
        max_position_embeddings: 8,
        position_numbering: cloze_core::PositionNumbering::FromZero,
        type_vocab_size: 2,
        layer_norm_eps: 1e-12,
        initializer_range: 0.4,
        pad_token_id: 0,
        pooler: true,
    };
    let mut source = cloze_model::RandomParameters::new(3);
    TokenClassifier::new(&config, 0.0, 3, &mut source, device).unwrap()
}

/// What `transformers` computes with -100 on the other tokens: the mean over labelled ones, in
/// whichever sequence they stand.
#[test]
fn the_loss_is_that_of_labelled_tokens_alone_for_tokens_and_for_kept_features() {
    let task = task(&["O", "B-X", "I-X"]);
    let device = Device::flex();
    let model = model(&device);
    let types = [0; 5];
    let sequences: [&[u32]; 2] = [&[2, 5, 7, 3], &[2, 9, 3]];
    let batch =
        PackedBatch::from_sequences(sequences.map(|ids| (ids, &types[..ids.len()]))).unwrap();
    let mut targets = [target(0, &[1, 2]), target(1, &[0])];
    targets[0].tokens.remove(1);
    let options = ForwardOptions::default();
    let loss = |input: &Input<'_, LastHiddenState>| {
        let objective = task.loss(&model, input, &targets, &options).unwrap();
        assert_eq!(objective.weight, 2.0);
        objective.loss.into_scalar::<f32>()
    };
    let whole = loss(&Input::Tokens(&batch));
    let states = task.encode(&model, LastHiddenState, &batch).unwrap();
    assert_eq!(loss(&Input::Features(LastHiddenState, &states)), whole);

    let logits = model.forward(&batch, &[1, 5], &options).unwrap();
    let logits: Vec<f32> = logits.into_data().try_to_vec().unwrap();
    let mut expected = 0.0;
    for (row, label) in logits.chunks(3).zip([1, 0]) {
        let total: f64 = row.iter().map(|&logit| f64::from(logit).exp()).sum();
        expected -= (f64::from(row[label]).exp() / total).ln() / 2.0;
    }
    assert!(
        (f64::from(whole) - expected).abs() < 1e-6,
        "{whole} {expected}"
    );
}

#[test]
fn labels_weigh_what_they_are_told_to() {
    let weights = ClassWeights::Table([("B-X".to_owned(), 3.0)].into());
    let plain = task(&["O", "B-X", "I-X"]);
    let weighted = plain.clone().with_class_weights(&weights, &[]).unwrap();
    let targets = [target(0, &[0, 1, 2]), target(1, &[1])];
    assert_eq!(
        [plain.weight(&targets), weighted.weight(&targets)],
        [4.0, 8.0]
    );
    let mut evaluator = weighted.evaluator();
    evaluator.add(&targets[..1], 1.0, &[0, 1, 2]);
    evaluator.add(&targets[1..], 2.0, &[1]);
    let loss = evaluator.evaluation().metrics.get("loss").unwrap();
    assert!((loss - (5.0 + 6.0) / 8.0).abs() < 1e-12, "{loss}");
    let balanced = plain
        .with_class_weights(&ClassWeights::Balanced, &[0, 0, 0, 1])
        .unwrap();
    assert_eq!(
        balanced.loss.class_weights.unwrap()[..2],
        [4.0 / 9.0, 4.0 / 3.0]
    );
}
