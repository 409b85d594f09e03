use cloze_model::ForwardOptions;
use cloze_model::checkpoint::{
    Checkpoint, ClassifierMetadata, ClassifierOptions, ProblemType, load_classifier,
    save_classifier,
};

use crate::case::{ALL_OUTPUTS, outputs, values};
use crate::for_every_architecture;

#[test]
fn a_checkpoint_loads_whole_and_a_saved_model_loads_again_bit_for_bit() {
    for_every_architecture(|case| {
        let options = ClassifierOptions::default();
        let (model, report) = load_classifier(&case.checkpoint, &options, &case.device).unwrap();
        assert!(
            report.missing.is_empty() && report.unexpected.is_empty(),
            "{report:?}"
        );

        let folder = tempfile::tempdir().unwrap();
        let metadata = ClassifierMetadata {
            config: case.checkpoint.config(),
            labels: &case.checkpoint.labels().unwrap().unwrap(),
            problem_type: ProblemType::SingleLabelClassification,
            task: "text-classification",
            max_length: Some(16),
            stride: None,
        };
        save_classifier(folder.path(), &model, &metadata).unwrap();
        let saved = Checkpoint::open(folder.path()).unwrap();
        let (again, report) = load_classifier(&saved, &options, &case.device).unwrap();
        assert!(
            report.missing.is_empty() && report.unexpected.is_empty(),
            "{report:?}"
        );
        assert_eq!(saved.encoder_config(), case.checkpoint.encoder_config());
        assert_eq!(again.head.config(), model.head.config());

        let batch = case.batch();
        let run = |model: &_| {
            let model: &cloze_model::SequenceClassifier = model;
            outputs(model, model.forward(&batch, &ALL_OUTPUTS).unwrap(), &batch)
        };
        assert_eq!(run(&again), run(&model));
    });
}

#[test]
fn a_loaded_model_equals_one_built_tensor_by_tensor() {
    for_every_architecture(|case| {
        let options = ClassifierOptions::default();
        let (loaded, _) = load_classifier(&case.checkpoint, &options, &case.device).unwrap();
        let logits = |model: &cloze_model::SequenceClassifier| {
            values(
                model
                    .forward(&case.batch(), &ForwardOptions::default())
                    .unwrap()
                    .logits,
            )
        };
        assert_eq!(logits(&loaded), logits(&case.model()));
    });
}
