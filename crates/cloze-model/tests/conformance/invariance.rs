use cloze_model::{DropoutKey, ForwardOptions};
use testkit::close::assert_close;

use crate::case::{ALL_OUTPUTS, outputs, pack, values};
use crate::for_every_architecture;

#[test]
fn a_text_alone_gives_what_it_gives_among_others() {
    for_every_architecture(|case| {
        let (model, texts) = (case.model(), case.texts());
        let together = model
            .forward(&case.batch(), &ForwardOptions::default())
            .unwrap();
        let hidden = values(together.encoder.last_hidden_state);
        let (mut logits, mut rows) = (Vec::new(), Vec::new());
        for text in &texts {
            let alone = model.forward(&pack(std::slice::from_ref(text)), &Default::default());
            let alone = alone.unwrap();
            logits.extend(values(alone.logits));
            rows.extend(values(alone.encoder.last_hidden_state));
        }
        assert_close(
            &case.what("logits"),
            &values(together.logits),
            &logits,
            1e-5,
        );
        assert_close(&case.what("hidden states"), &hidden, &rows, 1e-5);
    });
}

#[test]
fn texts_of_one_length_take_the_way_without_padding_to_the_same_result() {
    for_every_architecture(|case| {
        let model = case.model();
        let text = case.texts().swap_remove(0);
        let (even, ragged) = (
            vec![text.clone(); 3],
            vec![text.clone(), text, case.texts()[2].clone()],
        );
        let logits = |texts: &[_]| {
            values(
                model
                    .forward(&pack(texts), &ForwardOptions::default())
                    .unwrap()
                    .logits,
            )
        };
        assert_close(
            &case.what("logits"),
            &logits(&even)[..6],
            &logits(&ragged)[..6],
            1e-5,
        );
    });
}

#[test]
fn a_dropout_key_gives_the_same_outputs_again_and_another_key_others() {
    for_every_architecture(|case| {
        let (model, batch) = (case.model(), case.batch());
        let run = |dropout| {
            let options = ForwardOptions {
                dropout,
                ..ALL_OUTPUTS
            };
            let output = model.forward(&batch, &options).unwrap();
            outputs(&model, output, &batch)
        };
        let key = |step| Some(DropoutKey { seed: 1, step });
        assert_eq!(run(key(1)), run(key(1)));
        assert_ne!(run(key(1)), run(key(2)));
        assert_ne!(run(key(1)), run(None));
    });
}
