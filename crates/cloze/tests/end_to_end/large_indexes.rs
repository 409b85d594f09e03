//! Indexes with a graph of neighbours, and what is left of one whose making was broken off.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::place::{Place, json_lines, stderr};

fn rows(place: &Place) {
    const WORDS: [&str; 6] = ["slow", "warm", "awful", "lovely", "quick", "cold"];
    const THINGS: [&str; 5] = ["plot", "soup", "service", "acting", "song"];
    let text = |number: usize| {
        let (thing, word) = (THINGS[number % 5], WORDS[number / 5 % 6]);
        format!("the {thing} was {word} , number {number}\n")
    };
    place.write("rows.txt", (0..300).map(text).collect::<String>());
}

#[test]
fn a_graph_of_neighbours_leads_to_the_texts_that_a_comparison_finds() {
    let place = Place::with_run();
    rows(&place);
    let index = "index run rows.txt --output index --approximate";
    let made = stderr(&place.cloze(index).assert().success());
    assert_eq!(
        made,
        "index: 300 texts, vectors of 32 numbers (mean), approximate search along a graph of \
         neighbours\n"
    );
    let names = [
        "index.json",
        "neighbours.hnsw",
        "texts.jsonl",
        "vectors.safetensors",
    ];
    assert_eq!(place.names("index"), names);
    let query = |more: &str| {
        let line = format!("search index --file rows.txt --json --top-k 5 {more}");
        let found = place.cloze(&line).assert().success();
        let said = stderr(&found);
        let out = crate::place::text(&found.get_output().stdout);
        (json_lines(&out), said)
    };
    let ((near, near_said), (exact, exact_said)) = (query(""), query("--exact"));
    // A graph may miss one of them.
    let same = near
        .iter()
        .zip(&exact)
        .filter(|(near, exact)| near == exact);
    assert!(same.count() > 290);
    assert_eq!(
        near_said,
        "approximate: along a graph of 300 vectors; `--exact` compares them all\n"
    );
    assert_eq!(exact_said, "exact: 300 vectors compared\n");

    let mut graph = place.read("index/neighbours.hnsw");
    graph[200] ^= 4;
    place.write("index/neighbours.hnsw", graph);
    let said = place.failure("search index soup", 1);
    assert!(
        said.starts_with("error: index/neighbours.hnsw: found a file with the hash"),
        "{said}"
    );
    place.failure("index run rows.txt --output other --approximate --exact", 2);
    place.stdout("index run rows.txt --output other --exact");
    assert!(!place.exists("other/neighbours.hnsw"));
}

/// A `cloze index` that waits for more texts.
fn waiting(place: &Place) -> Child {
    let child = Command::new(env!("CARGO_BIN_EXE_cloze"))
        .args(["index", "run", "-", "--output", "index"])
        .current_dir(place.path(""))
        .stdin(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let deadline = Instant::now() + Duration::from_secs(120);
    while leftovers(place) == 0 {
        assert!(Instant::now() < deadline, "the index was not begun");
        std::thread::sleep(Duration::from_millis(20));
    }
    child
}

fn leftovers(place: &Place) -> usize {
    let names = place.names("");
    names
        .iter()
        .filter(|name| name.starts_with(".writing-"))
        .count()
}

#[cfg(unix)]
#[test]
fn an_index_that_is_broken_off_leaves_nothing_behind() {
    let place = Place::with_run();
    rows(&place);
    for signal in ["-INT", "-TERM"] {
        let mut child = waiting(&place);
        let id = child.id().to_string();
        Command::new("kill").args([signal, &id]).status().unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(130), "{signal}");
        assert_eq!(leftovers(&place), 0, "{signal}");
    }
    // Nobody can clean up behind a program that is killed but the next one.
    let mut killed = waiting(&place);
    killed.kill().unwrap();
    killed.wait().unwrap();
    assert_eq!(leftovers(&place), 1);
    place.stdout("index run rows.txt --output index");
    assert_eq!(leftovers(&place), 0);
    assert!(place.exists("index/index.json"));
}
