use std::fs;
use std::io::Read;

use cloze_tasks::metrics::Metrics;
use flate2::read::ZlibDecoder;

use super::*;
use crate::log::EpochRecord;

/// A run of 600 steps in three epochs.
fn curves() -> Curves {
    let mut curves = Curves::default();
    for step in 1..=600 {
        let share = step as f64 / 600.0;
        curves.add(&LogLine::Step {
            step,
            epoch: 3.0 * share,
            loss: (-3.0 * share).exp() + 0.1 * (step as f64).sin(),
            parts: Metrics::new(),
            learning_rate: 2e-5 * (1.0 - share).min(10.0 * share),
            gradient_norm: 1.0,
            tokens: 100,
            seconds: 0.1,
        });
        if step % 200 == 0 {
            let mut validation = Metrics::new();
            validation.set("accuracy", 0.5 + 0.4 * share);
            validation.set("macro_f1", 0.4 + 0.4 * share * share);
            validation.set("loss", 0.9 - 0.6 * share);
            validation.set("perplexity", 80.0 - 20.0 * share);
            curves.add(&LogLine::Epoch(EpochRecord {
                epoch: step / 200,
                step,
                train_loss: 0.5,
                validation,
                best: true,
                data_wait_seconds: 0.0,
                seconds: 1.0,
            }));
        }
    }
    curves
}

#[test]
fn both_pictures_are_written_and_show_every_curve() {
    let folder = tempfile::tempdir().unwrap();
    let [svg, png] = ["curves.svg", "curves.png"].map(|name| folder.path().join(name));
    curves().write(&svg, &png).unwrap();
    let svg = fs::read_to_string(svg).unwrap();
    for text in [
        "loss",
        "train",
        "validation loss",
        "learning rate",
        "accuracy",
        "macro_f1",
        "perplexity",
        "0.9000",
        "60.00",
        "600",
        "1.5e-5",
    ] {
        assert!(svg.contains(&format!(">{text}</text>")), "{text}");
    }
    // Four panels in two columns.
    assert!(svg.contains("width=\"1280\" height=\"600\""));
    let png = fs::read(png).unwrap();
    assert_eq!(png[..8], *b"\x89PNG\r\n\x1a\n");
    assert_eq!(
        png[16..24],
        [0, 0, 1920_u16.to_be_bytes()[0], 0x80, 0, 0, 0x03, 0x84]
    );
    // Axes and letters are grey, curves are not: each of the four panels has some.
    let pixels = pixels(&png);
    for (top, left) in [(0, 0), (0, 960), (450, 0), (450, 960)] {
        let rows = pixels[top..top + 450].iter();
        let colored = rows.flat_map(|row| &row[left..left + 960]).filter(|pixel| {
            let (least, most) = (pixel.iter().min().unwrap(), pixel.iter().max().unwrap());
            most - least > 60
        });
        let count = colored.count();
        assert!(count > 300, "{count} of the panel at {top}, {left}");
    }
}

/// The colours of a picture, row by row.
fn pixels(png: &[u8]) -> Vec<Vec<[u8; 3]>> {
    // Behind the signature and the header chunk: a length, `IDAT`, the data.
    let mut bytes = Vec::new();
    ZlibDecoder::new(&png[41..])
        .read_to_end(&mut bytes)
        .unwrap();
    let rows = bytes.chunks(1 + 1920 * 3);
    rows.map(|row| {
        row[1..]
            .chunks(3)
            .map(|pixel| [pixel[0], pixel[1], pixel[2]])
            .collect()
    })
    .collect()
}

#[test]
fn a_run_without_a_step_or_with_one_has_pictures_too() {
    let folder = tempfile::tempdir().unwrap();
    let [svg, png] = ["curves.svg", "curves.png"].map(|name| folder.path().join(name));
    let mut curves = Curves::default();
    curves.write(&svg, &png).unwrap();
    curves.add(&LogLine::Step {
        step: 1,
        epoch: 1.0,
        loss: 0.0,
        parts: Metrics::new(),
        learning_rate: f64::INFINITY,
        gradient_norm: 1.0,
        tokens: 1,
        seconds: 0.0,
    });
    curves.write(&svg, &png).unwrap();
    assert!(!fs::read_to_string(svg).unwrap().contains("NaN"));
}
