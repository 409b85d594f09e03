//! `cloze embed`, `cloze similarity`, `cloze index` and `cloze search`.

use serde_json::{Value, json};

use crate::place::{Place, json_lines, stderr, text};

const TEXTS: [&str; 3] = [
    "the plot was awful",
    "the soup was lovely , warm and quick",
    "a song",
];

fn numbers(value: &Value) -> Vec<f32> {
    let numbers = value.as_array().unwrap().iter();
    numbers
        .map(|number| number.as_f64().unwrap() as f32)
        .collect()
}

/// The vectors of JSON lines.
fn embeddings(output: &str) -> Vec<Vec<f32>> {
    let lines = json_lines(output);
    lines
        .iter()
        .map(|line| numbers(&line["embedding"]))
        .collect()
}

fn embed(place: &Place, line: &str, texts: &[&str]) -> Vec<Vec<f32>> {
    let output = place.cloze(line).args(texts).assert().success();
    embeddings(&text(&output.get_output().stdout))
}

fn floats(bytes: &[u8]) -> Vec<f32> {
    let (floats, rest) = bytes.as_chunks::<4>();
    assert!(rest.is_empty());
    floats
        .iter()
        .map(|&bytes| f32::from_le_bytes(bytes))
        .collect()
}

/// The shape and the numbers of a `.npy` file.
fn npy(bytes: &[u8]) -> (String, Vec<f32>) {
    let length = u16::from_le_bytes([bytes[8], bytes[9]]) as usize;
    let header = std::str::from_utf8(&bytes[10..10 + length]).unwrap();
    let shape = header.split("'shape': ").nth(1).unwrap();
    let shape = shape.split(", }").next().unwrap();
    (shape.into(), floats(&bytes[10 + length..]))
}

#[test]
fn arguments_files_and_standard_input_give_the_same_vectors() {
    let place = Place::with_run();
    let expected = embed(&place, "embed run", &TEXTS);
    assert_eq!((expected.len(), expected[0].len()), (3, 32));
    assert_ne!(expected[0], expected[1]);
    place.write("new.txt", TEXTS.join("\n"));
    let objects = TEXTS.iter().enumerate();
    let objects = objects.map(|(id, text)| json!({"id": id, "review": text}).to_string());
    place.write("new.jsonl", objects.collect::<Vec<_>>().join("\n"));
    let from_lines = place.stdout("embed run --file new.txt");
    assert_eq!(embeddings(&from_lines), expected);
    assert!(from_lines.starts_with("{\"embedding\":["), "{from_lines}");
    let from_objects = place.stdout("embed run --file new.jsonl --text review");
    assert_eq!(embeddings(&from_objects), expected);
    assert!(from_objects.starts_with("{\"id\":0,\"embedding\":["));
    let output = place
        .cloze("embed run")
        .write_stdin(TEXTS.join("\n"))
        .assert()
        .success();
    assert_eq!(embeddings(&text(&output.get_output().stdout)), expected);
}

#[test]
fn a_matrix_has_the_numbers_of_the_lines_in_the_order_of_the_texts() {
    let place = Place::with_run();
    let texts: Vec<String> = (0..300)
        .map(|number| format!("the plot was lovely {number} ").repeat(1 + number % 4))
        .collect();
    place.write("many.txt", texts.join("\n"));
    let expected = embeddings(&place.stdout("embed run --file many.txt")).concat();
    let to = |output: &str| {
        let line = format!("embed run --file many.txt --batch-size 4 --output {output}");
        assert_eq!(place.stdout(&line), "");
    };
    to("new/many.npy");
    let (shape, found) = npy(&place.read("new/many.npy"));
    assert_eq!(shape, "(300, 32)");
    assert_eq!(found, expected);
    to("many.safetensors");
    let bytes = place.read("many.safetensors");
    let tensors = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let tensor = tensors.tensor("embeddings").unwrap();
    assert_eq!(tensor.shape(), [300, 32]);
    assert_eq!(floats(tensor.data()), expected);
    to("many.jsonl");
    let lines = text(&place.read("many.jsonl"));
    assert_eq!(embeddings(&lines).concat(), expected);
    to("matrix --output-format npy");
    assert_eq!(place.read("matrix"), place.read("new/many.npy"));
}

#[test]
fn pooling_and_length_are_what_is_asked_for() {
    let place = Place::with_run();
    let one = |line: &str| embed(&place, line, &TEXTS[..1]).remove(0);
    let (mean, cls) = (one("embed run"), one("embed run --pooling cls"));
    assert_ne!(mean, cls);
    assert_eq!(
        one("embed run --pooling mean,cls"),
        [mean.clone(), cls].concat()
    );
    let normalized = one("embed run --normalize");
    let length = mean.iter().map(|x| x * x).sum::<f32>().sqrt();
    for (normalized, mean) in normalized.iter().zip(&mean) {
        assert!((normalized - mean / length).abs() < 1e-6);
    }
    assert_eq!(one("embed run --no-normalize"), mean);
    // The pooled output is what the classifier of the run sees.
    assert!(
        one("embed run --pooling pooled")
            .iter()
            .all(|x| x.abs() <= 1.0)
    );
    let output = place
        .cloze("embed run --max-length 4")
        .args(TEXTS)
        .assert()
        .success();
    assert_eq!(
        stderr(&output),
        "warning: 3 of 3 texts are longer than the 4 tokens that are read (the longest has 14, the \
         first is number 1)\n"
    );
}

/// A folder of `sentence-transformers` on the encoder of the place.
fn add_modules(place: &Place, folder: &str) {
    let module = |class: &str, path: &str| json!({"type": format!("sentence_transformers.models.{class}"), "path": path});
    let modules = json!([
        module("Transformer", ""),
        module("Pooling", "1_Pooling"),
        module("Normalize", "2_Normalize")
    ]);
    place.write(&format!("{folder}/modules.json"), modules.to_string());
    std::fs::create_dir(place.path(folder).join("1_Pooling")).unwrap();
    place.write(
        &format!("{folder}/1_Pooling/config.json"),
        r#"{"pooling_mode_cls_token": true, "include_prompt": true}"#,
    );
    place.write(
        &format!("{folder}/config_sentence_transformers.json"),
        r#"{"prompts": {"query": "the "}, "similarity_fn_name": "dot"}"#,
    );
}

#[test]
fn a_folder_of_sentence_transformers_is_taken_as_it_says() {
    let place = Place::with_reviews();
    let plain = embed(&place, "embed fresh --pooling cls --normalize", &TEXTS);
    let prompted = embed(
        &place,
        "embed fresh --pooling cls --normalize",
        &["the song"],
    );
    add_modules(&place, "fresh");
    assert_eq!(embed(&place, "embed fresh", &TEXTS), plain);
    assert_eq!(
        embed(&place, "embed fresh --prompt-name query", &["song"]),
        prompted
    );
    let output = place
        .cloze("embed fresh --prompt")
        .args(["the ", "song"])
        .assert()
        .success();
    assert_eq!(embeddings(&text(&output.get_output().stdout)), prompted);
    place.fails(
        "embed fresh song --prompt-name title",
        1,
        "error: fresh has no prompt \"title\", only \"query\"",
    );
    let lstm = json!([{"type": "sentence_transformers.models.LSTM", "path": ""}]);
    place.write("fresh/modules.json", lstm.to_string());
    let said = place.failure("embed fresh song", 1);
    assert!(
        said.starts_with(
            "error: fresh/modules.json, field `[0].type`: found \
             \"sentence_transformers.models.LSTM\", wanted a module that cloze computes"
        ),
        "{said}"
    );
}

#[test]
fn a_failure_leaves_what_was_there() {
    let place = Place::with_run();
    place.write("new.csv", "id,text\n1,lovely\n2, \n");
    place.write("vectors.npy", "old");
    let said = place.failure("embed run --file new.csv --output vectors.npy", 1);
    assert!(
        said.contains("new.csv, line 3, field `text`: found an empty text"),
        "{said}"
    );
    assert_eq!(place.read("vectors.npy"), b"old");
    place.failure("index run new.csv --output index", 1);
    assert!(!place.exists("index"));
    let left = place.names(".");
    assert!(
        left.iter().all(|name| !name.starts_with(".writing")),
        "{left:?}"
    );
    let skipped = "embed run --file new.csv --output vectors.npy --bad-rows skip";
    place.cloze(skipped).assert().success();
    assert_eq!(npy(&place.read("vectors.npy")).0, "(1, 32)");
}

#[test]
fn wrong_usage_is_told_before_anything_is_computed() {
    let place = Place::with_run();
    place.fails(
        "embed run song --output vectors.csv",
        2,
        "error: --output vectors.csv: found no format in the name, wanted .npy, .safetensors or \
         .jsonl, or --output-format",
    );
    place.fails(
        "embed run song --output-format npy",
        2,
        "error: --output-format: a matrix needs --output FILE",
    );
    let said = place.failure("embed run song --pooling median", 2);
    assert!(said.contains("weightedmean"), "{said}");
    place.write("pairs.csv", "sentence1,sentence2\na song,a plot\n");
    place.fails(
        "embed run --file pairs.csv",
        1,
        "error: there are two columns of texts: `--text COL` names the one that is meant",
    );
    assert_eq!(
        embeddings(&place.stdout("embed run --file pairs.csv --text sentence1")),
        embed(&place, "embed run", &["a song"])
    );
    let said = place.failure("embed nowhere/at/all song", 1);
    assert!(
        said.contains("MODEL is a folder with config.json"),
        "{said}"
    );
}

#[test]
fn every_text_is_compared_with_every_other() {
    let place = Place::with_run();
    let output = place
        .cloze("similarity run --json")
        .args(TEXTS)
        .assert()
        .success();
    let lines = json_lines(&text(&output.get_output().stdout));
    let vectors = embed(&place, "embed run --normalize", &TEXTS);
    for (row, line) in lines.iter().enumerate() {
        assert_eq!(line["text"], TEXTS[row]);
        for (column, score) in numbers(&line["scores"]).into_iter().enumerate() {
            let pairs = vectors[row].iter().zip(&vectors[column]);
            let cosine: f32 = pairs.map(|(a, b)| a * b).sum();
            assert!((score - cosine).abs() < 1e-5, "{row} {column}");
        }
        assert!((numbers(&line["scores"])[row] - 1.0).abs() < 1e-6);
    }
    let output = place.cloze("similarity run").args(TEXTS).assert().success();
    let table = text(&output.get_output().stdout);
    assert_eq!(table.lines().count(), 4);
    assert!(table.contains("1.0000"), "{table}");

    place.write("known.txt", "a song\na plot\n");
    let against = place
        .cloze("similarity run --against known.txt --score dot --json")
        .args(TEXTS)
        .assert()
        .success();
    let lines = json_lines(&text(&against.get_output().stdout));
    let raw = embed(&place, "embed run", &["a song"]).remove(0);
    let square: f32 = raw.iter().map(|x| x * x).sum();
    let scores = numbers(&lines[2]["scores"]);
    assert_eq!((lines.len(), scores.len()), (3, 2));
    assert!((scores[0] - square).abs() < 1e-4 * square);
}

#[test]
fn an_index_finds_texts_and_remembers_its_model() {
    let place = Place::with_run();
    let mut rows = String::from("id,text\n");
    for number in 0..100 {
        rows += &format!("r{number},plot number {number} is slow\n");
    }
    rows += "x,the soup was lovely and warm\n";
    place.write("rows.csv", rows);
    let made = place
        .cloze("index run rows.csv --output index")
        .assert()
        .success();
    assert_eq!(
        stderr(&made),
        "index: 101 texts, vectors of 32 numbers (mean), exact search\n"
    );
    let output = place
        .cloze("search index --top-k 2 --json")
        .args(["the soup was lovely and warm", "plot number 7 is slow"])
        .assert()
        .success();
    let found = json_lines(&text(&output.get_output().stdout));
    let first = found[0][0].as_object().unwrap();
    let keys: Vec<&String> = first.keys().collect();
    assert_eq!(keys, ["id", "corpus_id", "score", "text"]);
    assert_eq!(
        (&first["id"], &first["corpus_id"]),
        (&json!("x"), &json!(100))
    );
    assert_eq!(first["text"], "the soup was lovely and warm");
    assert!((first["score"].as_f64().unwrap() - 1.0).abs() < 1e-5);
    assert_eq!(found[1].as_array().unwrap().len(), 2);
    assert_eq!(found[1][0]["id"], "r7");
    let shown = place.stdout("search index --top-k 1 --file rows.csv");
    let lines: Vec<&str> = shown.lines().collect();
    assert_eq!(
        lines[..2],
        [
            "r0  plot number 0 is slow",
            "  1.0000  r0  plot number 0 is slow"
        ]
    );

    // Never over something that is there; never with another model.
    place.fails(
        "index run rows.csv --output index",
        1,
        "error: index exists already\nhint: choose another folder, or remove this one",
    );
    let said = place.failure("search index song --model fresh", 1);
    assert!(
        said.starts_with("error: index was made with ")
            && said.contains("fresh now: make the index"),
        "{said}"
    );
    std::fs::rename(place.path("run"), place.path("moved")).unwrap();
    let said = place.failure("search index song", 1);
    assert!(
        said.contains("hint: `--model MODEL` says where the model is now"),
        "{said}"
    );
    assert_eq!(
        place
            .stdout("search index song --model moved --top-k 1")
            .lines()
            .count(),
        2
    );
    place.write("index/index.json", "{}");
    let said = place.failure("search index song", 1);
    assert!(
        said.starts_with("error: index/index.json, line 1: found what does not fit"),
        "{said}"
    );
}

/// An index is made with the prompt for documents and searched with the one for queries.
#[test]
fn an_index_uses_the_prompts_of_its_model() {
    let place = Place::with_reviews();
    add_modules(&place, "fresh");
    place.write("texts.txt", "the song\nthe plot\na soup\n");
    place
        .cloze("index fresh texts.txt --output index")
        .assert()
        .success();
    assert_eq!(place.json("index/index.json")["similarity"], "dot");
    let found = json_lines(&place.stdout("search index song --json"));
    // "the " and "song" are the text of the first row.
    assert_eq!(found[0][0]["corpus_id"], 0);
    assert!((found[0][0]["score"].as_f64().unwrap() - 1.0).abs() < 1e-5);
    let found = json_lines(&place.stdout("search index song --json --prompt="));
    assert!(found[0][0]["score"].as_f64().unwrap() < 1.0 - 1e-5);
}
