use proptest::prelude::*;

use super::*;

const OUT: f32 = EXCLUDED;

fn greedy() -> GenerationSettings {
    GenerationSettings {
        do_sample: false,
        ..GenerationSettings::default()
    }
}

fn processed(
    settings: &GenerationSettings,
    written: &[u32],
    prompt: usize,
    scores: &[f32],
) -> Vec<f32> {
    let mut scores = scores.to_vec();
    let written = Written {
        ids: written,
        prompt,
    };
    Chain::new(settings, &[]).process(&written, &mut scores);
    scores
}

#[test]
fn the_last_generated_tokens_are_not_repeated_and_older_ones_and_the_prompt_may_be() {
    let settings = GenerationSettings {
        no_repeat_last: 2,
        ..greedy()
    };
    let scores = [4.0, 3.0, 2.0, 1.0];
    assert_eq!(
        processed(&settings, &[3, 0, 1, 2], 1, &scores),
        [4.0, OUT, OUT, 1.0]
    );
    assert_eq!(processed(&settings, &[0, 1], 2, &scores), scores);
}

/// The top k are those of all tokens: what is excluded of them takes no other's place, until none
/// is left.
#[test]
fn of_the_top_k_those_are_left_that_are_not_excluded_and_k_widens_if_none_is() {
    let settings = GenerationSettings {
        no_repeat_last: 3,
        top_k: 2,
        ..GenerationSettings::default()
    };
    let scores = [1.0, 5.0, 4.0, 3.0, 2.0];
    assert_eq!(
        processed(&settings, &[1], 0, &scores),
        [OUT, OUT, 4.0, OUT, OUT]
    );
    assert_eq!(
        processed(&settings, &[1, 2], 0, &scores),
        [OUT, OUT, OUT, 3.0, OUT]
    );
    assert_eq!(
        processed(&settings, &[3], 0, &scores),
        [OUT, 5.0, 4.0, OUT, OUT]
    );
}

#[test]
fn rules_against_repetition_give_way_where_nothing_would_be_left() {
    let settings = GenerationSettings {
        no_repeat_last: 5,
        suppress_tokens: vec![0],
        ..greedy()
    };
    assert_eq!(
        processed(&settings, &[1, 2], 0, &[9.0, 2.0, 1.0]),
        [OUT, 2.0, 1.0]
    );
    let settings = GenerationSettings {
        no_repeat_ngram_size: 1,
        ..greedy()
    };
    assert_eq!(processed(&settings, &[0, 1], 0, &[1.0, 2.0]), [1.0, 2.0]);
}

#[test]
fn the_chain_says_what_it_does_in_its_order() {
    let settings = GenerationSettings {
        repetition_penalty: 1.2,
        no_repeat_ngram_size: 3,
        no_repeat_last: 30,
        bad_words_ids: vec![vec![5, 6]],
        temperature: 0.8,
        top_k: 40,
        top_p: 0.9,
        ..GenerationSettings::default()
    };
    let chain = Chain::new(&settings, &[0, 1]);
    assert_eq!(
        chain.describe(),
        [
            "repetition penalty 1.2",
            "no 3 tokens in a row stand twice",
            "2 tokens and 1 longer word are never written",
            "none of the last 30 written tokens comes again",
            "temperature 0.8",
            "the 40 likeliest tokens (top-k)",
            "the likeliest tokens with the probability 0.9 (top-p)",
        ]
    );
    let beams = GenerationSettings {
        do_sample: false,
        num_beams: 4,
        ..settings
    };
    assert_eq!(Chain::new(&beams, &[]).describe().len(), 4);
    let one = GenerationSettings {
        no_repeat_last: 1,
        no_repeat_ngram_size: 1,
        ..greedy()
    };
    assert_eq!(
        Chain::new(&one, &[0]).describe(),
        [
            "no token stands twice",
            "1 token is never written",
            "the last written token does not come again"
        ]
    );
}

/// A model may give a score beyond all numbers.
#[test]
fn an_infinite_score_leaves_its_token_in_the_nucleus() {
    let settings = GenerationSettings {
        top_p: 0.5,
        ..GenerationSettings::default()
    };
    assert_eq!(
        processed(&settings, &[], 0, &[1.0, f32::INFINITY, 2.0]),
        [OUT, f32::INFINITY, OUT]
    );
}

fn any_settings() -> impl Strategy<Value = GenerationSettings> {
    let rules = (0.2_f64..3.0, 0_usize..4, 0_usize..12, 0_usize..8);
    let sampling = (0.05_f64..4.0, 0.01_f64..=1.0, any::<bool>());
    (rules, sampling).prop_map(
        |((penalty, ngram, last, top_k), (temperature, top_p, sample))| GenerationSettings {
            repetition_penalty: penalty,
            no_repeat_ngram_size: ngram,
            no_repeat_last: last,
            top_k,
            temperature,
            top_p,
            do_sample: sample,
            ..GenerationSettings::default()
        },
    )
}

proptest! {
    /// Whatever the settings and the text: there is a token to go on with, none of those that are
    /// banned is, and no score becomes better by being excluded and NaN.
    #[test]
    fn there_is_always_a_token_and_never_a_banned_one(
        settings in any_settings(),
        scores in prop::collection::vec(-30.0_f32..30.0, 12),
        written in prop::collection::vec(0_u32..14, 0..40),
        banned in prop::collection::btree_set(0_u32..12, 0..11),
        cut in 0.0_f64..=1.0,
    ) {
        let banned: Vec<u32> = banned.into_iter().collect();
        let chain = Chain::new(&settings, &banned);
        let prompt = (written.len() as f64 * cut) as usize;
        let mut processed = scores.clone();
        chain.process(&Written { ids: &written, prompt }, &mut processed);
        prop_assert!(processed.iter().any(|&score| score > OUT), "{processed:?}");
        prop_assert!(processed.iter().all(|score| !score.is_nan() && *score < f32::INFINITY));
        for &id in &banned {
            prop_assert_eq!(processed[id as usize], OUT);
        }
    }
}
