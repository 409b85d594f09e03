//! The pipeline with a toy model: the next token depends on the last one alone.

use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use cloze_data::tokenizer::{Tokenizer, WordPieceOptions};

use super::*;
use crate::InferError;

const WORDS: &str =
    "[PAD] [UNK] [CLS] [SEP] [MASK] the whale swims in sea . ##s 今 天 气 。 , it ' one two";

fn tokenizer() -> Tokenizer {
    let folder = tempfile::tempdir().unwrap();
    let vocab = folder.path().join("vocab.txt");
    std::fs::write(&vocab, WORDS.replace(' ', "\n")).unwrap();
    let options = WordPieceOptions {
        lowercase: false,
        ..WordPieceOptions::default()
    };
    Tokenizer::from_vocab(&vocab, &options).unwrap()
}

/// Logits that follow a pattern of the last token; special tokens are the likeliest of all.
struct Toy;

impl NextToken for Toy {
    fn vocab_size(&self) -> usize {
        // Two more than the vocabulary has tokens, as models have that are padded.
        WORDS.split(' ').count() + 2
    }

    fn next_logits(&self, written: &[&[u32]]) -> Result<Vec<f32>, InferError> {
        let row = |ids: &&[u32]| {
            let last = ids[ids.len() - 1];
            (0..self.vocab_size() as u32).map(move |id| match id {
                0..5 => 9.0,
                _ if id as usize >= self.vocab_size() - 2 => 8.0,
                _ => ((last * 7 + id * 5) % 11) as f32 / 3.0,
            })
        };
        Ok(written.iter().flat_map(row).collect())
    }

    fn context(&self) -> usize {
        1
    }
}

fn pipeline() -> TextGenerationPipeline {
    TextGenerationPipeline::new(Box::new(Toy), tokenizer())
}

fn settings(tokens: usize) -> GenerationSettings {
    GenerationSettings {
        max_new_tokens: tokens,
        ..GenerationSettings::default()
    }
}

fn texts(prompts: &[&str], settings: &GenerationSettings, seed: u64) -> Vec<GeneratedText> {
    let pipeline = pipeline();
    let prompts: Vec<Prompt> = prompts
        .iter()
        .map(|text| pipeline.prompt(text).unwrap())
        .collect();
    pipeline
        .generate(&prompts, settings, seed, |_| ControlFlow::Continue(()))
        .unwrap()
}

#[test]
fn the_same_seed_gives_the_same_text_whatever_is_written_beside_it() {
    let several = GenerationSettings {
        num_return_sequences: 3,
        ..settings(20)
    };
    let first = texts(&["the whale", "今天"], &several, 7);
    assert_eq!(first.len(), 6);
    let again = texts(&["今天"], &several, 7);
    for (one, other) in first[3..].iter().zip(&again) {
        assert_eq!(one.ids(), other.ids());
        assert_eq!(one.text(), other.text());
    }
    // Texts side by side, and other seeds, are others.
    assert_ne!(first[0].ids(), first[1].ids());
    assert_ne!(first[0].ids(), texts(&["the whale"], &several, 8)[0].ids());
    let alone = texts(&["the whale"], &settings(20), 7);
    assert_eq!(alone[0].ids(), first[0].ids());
}

#[test]
fn special_tokens_and_ids_without_a_token_are_never_written() {
    for (greedy, seed) in [(true, 0), (false, 1), (false, 2)] {
        let settings = GenerationSettings {
            do_sample: !greedy,
            temperature: 3.0,
            top_k: 0,
            ..settings(60)
        };
        let text = &texts(&["the"], &settings, seed)[0];
        let known = 5..WORDS.split(' ').count() as u32;
        assert!(
            text.ids().iter().all(|id| known.contains(id)),
            "{:?}",
            text.ids()
        );
        assert_eq!((text.tokens(), text.finish()), (60, Some(Finish::Length)));
    }
}

#[test]
fn what_was_shown_is_the_text_and_never_changes() {
    let pipeline = pipeline();
    let prompt = pipeline.prompt("the whale").unwrap();
    let mut shown = String::new();
    let texts = pipeline
        .generate(&[prompt], &settings(80), 3, |texts| {
            shown += texts[0].take_new();
            ControlFlow::Continue(())
        })
        .unwrap();
    assert_eq!(shown, texts[0].text());
    assert!(shown.chars().count() > 80, "{shown}");
}

#[test]
fn a_stop_mark_ends_a_text_and_stands_at_its_end() {
    let stopping = GenerationSettings {
        stop_strings: vec!["。".into(), "swims".into()],
        ..settings(200)
    };
    let stopped = &texts(&["the"], &stopping, 5)[0];
    assert_eq!(stopped.finish(), Some(Finish::Stop));
    assert!(stopped.text().ends_with("swims") || stopped.text().ends_with('。'));
    assert_eq!(
        stopped.text().matches("swims").count() + stopped.text().matches('。').count(),
        1
    );

    // Not before there are enough tokens; the text is the same until then.
    let tokens = stopped.tokens();
    let later = GenerationSettings {
        min_new_tokens: tokens + 1,
        ..stopping
    };
    let later = &texts(&["the"], &later, 5)[0];
    assert!(later.tokens() > tokens);
    assert_eq!(later.finish(), Some(Finish::Stop));
    assert_eq!(later.ids()[..=tokens], stopped.ids()[..=tokens]);
}

/// A mark of several tokens, and one that ends within the text of a token.
#[test]
fn a_mark_may_span_tokens_and_the_text_is_cut_behind_it() {
    let free = texts(&["the"], &settings(40), 5)[0].text().to_owned();
    for (start, length) in [(4, 9), (11, 3), (20, 1), (17, 6)] {
        let characters: Vec<char> = free.chars().collect();
        let mark: String = characters[start..start + length].iter().collect();
        let stopping = GenerationSettings {
            stop_strings: vec![mark.clone()],
            ..settings(40)
        };
        let stopped = &texts(&["the"], &stopping, 5)[0];
        let end = free.find(&mark).unwrap() + mark.len();
        assert_eq!(stopped.text(), &free[..end], "{mark:?}");
    }
}

#[test]
fn beams_are_ordered_by_score_and_stop_at_marks() {
    let beams = GenerationSettings {
        do_sample: false,
        num_beams: 4,
        num_return_sequences: 3,
        stop_strings: vec!["。".into()],
        ..settings(12)
    };
    let found = texts(&["the whale", "今"], &beams, 0);
    assert_eq!(found.len(), 6);
    for best in found.chunks(3) {
        let scores: Vec<f32> = best.iter().map(|text| text.score().unwrap()).collect();
        assert!(scores.is_sorted_by(|a, b| a >= b), "{scores:?}");
        for text in best {
            match text.finish() {
                Some(Finish::Stop) => assert!(text.text().ends_with('。')),
                finish => assert_eq!((finish, text.tokens()), (Some(Finish::Length), 12)),
            }
        }
    }
}

/// A mark is looked for in what is printed, and the prompt is a part of that.
#[test]
fn a_mark_may_begin_in_the_prompt_and_has_to_end_behind_it() {
    for prompt in ["the whale", "今天"] {
        for greedy in [true, false] {
            let free = GenerationSettings {
                do_sample: !greedy,
                ..settings(10)
            };
            let written = texts(&[prompt], &free, 5)[0].text().to_owned();
            let first: String = written.chars().take(2).collect();
            let begun: String = prompt.chars().skip(1).collect();
            let stopping = GenerationSettings {
                // The second one ends where the prompt ends.
                stop_strings: vec![format!("{begun}{first}"), begun.clone()],
                ..free.clone()
            };
            let stopped = &texts(&[prompt], &stopping, 5)[0];
            let (text, finish) = (stopped.text(), stopped.finish());
            assert_eq!((text, finish), (&*first, Some(Finish::Stop)), "{prompt}");

            // Marks that stand in the prompt end a text where it has them too.
            let given = vec![begun, prompt.to_owned()];
            let mut ends = (1..=written.len()).filter(|&end| written.is_char_boundary(end));
            let whole = |end: &usize| format!("{prompt}{}", &written[..*end]);
            let end = ends.find(|end| given.iter().any(|mark| whole(end).ends_with(mark)));
            let stopping = GenerationSettings {
                stop_strings: given.clone(),
                ..free
            };
            let stopped = &texts(&[prompt], &stopping, 5)[0];
            assert_eq!(stopped.text(), &written[..end.unwrap_or(written.len())]);
        }
    }
}

#[test]
fn a_beam_search_ends_when_it_is_interrupted_however_many_tokens_are_wanted() {
    let pipeline = pipeline();
    let long = GenerationSettings {
        do_sample: false,
        num_beams: 3,
        min_new_tokens: 500,
        ..settings(1000)
    };
    let chain = pipeline.chain(&long).unwrap();
    let prompt = pipeline.prompt("the").unwrap();
    let mut asked = 0;
    let best = pipeline
        .beams(&prompt, &chain, &long, || {
            asked += 1;
            asked == 4
        })
        .unwrap();
    assert_eq!(
        (best[0].tokens(), best[0].finish()),
        (4, Some(Finish::Interrupted))
    );
}

/// [`Toy`], which notes how many texts it was given at a time.
struct Counting(Arc<AtomicUsize>);

impl NextToken for Counting {
    fn vocab_size(&self) -> usize {
        Toy.vocab_size()
    }

    fn next_logits(&self, written: &[&[u32]]) -> Result<Vec<f32>, InferError> {
        self.0.fetch_max(written.len(), Ordering::SeqCst);
        Toy.next_logits(written)
    }

    fn context(&self) -> usize {
        1
    }
}

#[test]
fn groups_have_at_most_so_many_texts_and_change_none() {
    let most = Arc::new(AtomicUsize::new(0));
    let pipeline = TextGenerationPipeline::new(Box::new(Counting(Arc::clone(&most))), tokenizer());
    let prompts = ["the whale", "今天"].map(|text| pipeline.prompt(text).unwrap());
    let several = GenerationSettings {
        num_return_sequences: 5,
        ..settings(6)
    };
    let together = texts(&["the whale", "今天"], &several, 7);
    for batch_size in [1, 3, 8, usize::MAX] {
        most.store(0, Ordering::SeqCst);
        let mut found = Vec::new();
        let batch = NonZeroUsize::new(batch_size).unwrap();
        pipeline
            .generate_in_groups(&prompts, &several, 7, batch, |places, texts| {
                if texts.iter().all(|text| text.finish().is_some()) {
                    let both = places.iter().zip(&*texts);
                    found.extend(both.map(|(&place, text)| (place, text.ids().to_vec())));
                }
                ControlFlow::Continue(())
            })
            .unwrap();
        assert_eq!(most.load(Ordering::SeqCst), batch_size.min(10));
        assert_eq!(found.len(), 10);
        for (at, ((place, ids), text)) in found.iter().zip(&together).enumerate() {
            let wanted = TextPlace {
                prompt: at / 5,
                number: at % 5,
                count: 5,
            };
            assert_eq!((place, &ids[..]), (&wanted, text.ids()));
        }
    }
}

#[test]
fn reading_may_break_off() {
    let pipeline = pipeline();
    let prompt = pipeline.prompt("the").unwrap();
    let mut steps = 0;
    let texts = pipeline
        .generate(&[prompt], &settings(50), 0, |_| {
            steps += 1;
            match steps {
                7 => ControlFlow::Break(()),
                _ => ControlFlow::Continue(()),
            }
        })
        .unwrap();
    assert_eq!(
        (texts[0].tokens(), texts[0].finish()),
        (7, Some(Finish::Interrupted))
    );
}

#[test]
fn impossible_wishes_are_errors() {
    let pipeline = pipeline();
    assert!(matches!(pipeline.prompt(" "), Err(InferError::EmptyPrompt)));
    let all = GenerationSettings {
        suppress_tokens: (0..40).collect(),
        ..settings(5)
    };
    assert!(matches!(
        pipeline.chain(&all),
        Err(InferError::NothingToWrite)
    ));
    let error = pipeline.chain(&settings(0)).unwrap_err().to_string();
    assert_eq!(error, "max_new_tokens: found 0, wanted 1 or more");
}
