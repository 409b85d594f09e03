//! Hub ids against a stand-in for the Hub on this machine. The environment decides where the Hub
//! and its cache are, so every resolution happens in a process of its own.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::thread;

use cloze_model::checkpoint::{Checkpoint, HubOptions, resolve_model};
use serde_json::json;

use crate::fixture::golden;

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

/// A server with the models `acme/tiny`, `acme/gated`, `acme/empty` and `acme/private`.
struct Hub {
    endpoint: String,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Hub {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&requests);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let log = Arc::clone(&log);
                thread::spawn(move || answer(stream.unwrap(), &log));
            }
        });
        Self { endpoint, requests }
    }

    /// The files that were fetched, not only asked about.
    fn fetched(&self) -> Vec<String> {
        let requests = self.requests.lock().unwrap();
        let file = |line: &String| {
            let path = line.strip_prefix("GET ")?.split_once("/resolve/")?.1;
            Some(path.split_once('/')?.1.to_owned())
        };
        let mut files: Vec<_> = requests.iter().filter_map(file).collect();
        files.sort();
        files
    }

    fn requests(&self) -> usize {
        self.requests.lock().unwrap().len()
    }
}

fn files() -> BTreeMap<&'static str, Vec<u8>> {
    let read = |name: &str| fs::read(golden("bert").join(name)).unwrap();
    BTreeMap::from([
        ("README.md", b"# tiny".to_vec()),
        ("config.json", read("config.json")),
        ("model.safetensors", read("model.safetensors")),
        ("onnx/model.onnx", vec![0; 10]),
        ("pytorch_model.bin", vec![0; 10]),
        ("tf_model.h5", vec![0; 10]),
        ("vocab.txt", b"[PAD]\n[CLS]\n".to_vec()),
    ])
}

fn answer(stream: TcpStream, log: &Mutex<Vec<String>>) {
    let mut reader = BufReader::new(&stream);
    let (mut line, mut authorized) = (String::new(), false);
    reader.read_line(&mut line).unwrap();
    loop {
        let mut header = String::new();
        if reader.read_line(&mut header).unwrap() == 0 || header == "\r\n" {
            break;
        }
        authorized |= header
            .to_lowercase()
            .starts_with("authorization: bearer secret");
    }
    let mut words = line.split(' ');
    let (method, target) = (words.next().unwrap(), words.next().unwrap());
    log.lock().unwrap().push(format!("{method} {target}"));
    let (status, headers, body) = respond(target.split('?').next().unwrap(), authorized);
    let mut head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n", body.len());
    for (name, value) in headers {
        head += &format!("{name}: {value}\r\n");
    }
    let mut stream = &stream;
    stream
        .write_all(format!("{head}Connection: close\r\n\r\n").as_bytes())
        .unwrap();
    if method == "GET" {
        stream.write_all(&body).unwrap();
    }
}

type Response = (&'static str, Vec<(&'static str, String)>, Vec<u8>);

fn respond(path: &str, authorized: bool) -> Response {
    let error = |status, code: &str| (status, vec![("X-Error-Code", code.to_owned())], Vec::new());
    let api = path.strip_prefix("/api/models/");
    let parts: Vec<&str> = api.unwrap_or(&path[1..]).splitn(5, '/').collect();
    let [_, model, kind, revision, ..] = parts[..] else {
        return error("404 Not Found", "RepoNotFound");
    };
    // The Hub does not tell strangers which private models exist.
    let public = ["tiny", "gated", "empty"].contains(&model);
    if !(public || model == "private" && authorized) {
        return error("401 Unauthorized", "RepoNotFound");
    }
    if !["main", "v1", COMMIT].contains(&revision) {
        return error("404 Not Found", "RevisionNotFound");
    }
    let files = files();
    let names: Vec<_> = files
        .keys()
        .filter(|name| model != "empty" || name.ends_with(".md"))
        .collect();
    match (kind, parts.get(4)) {
        ("revision", None) => {
            let siblings: Vec<_> = names
                .iter()
                .map(|name| json!({"rfilename": name}))
                .collect();
            let info = json!({"_id": "1", "id": format!("acme/{model}"), "sha": COMMIT, "siblings": siblings});
            (
                "200 OK",
                vec![("Content-Type", "application/json".into())],
                info.to_string().into(),
            )
        }
        ("tree", None) => {
            let file = |name: &&&str| json!({"type": "file", "oid": "1", "size": files[**name].len(), "path": name});
            let tree: Vec<_> = names.iter().map(file).collect();
            (
                "200 OK",
                vec![("Content-Type", "application/json".into())],
                json!(tree).to_string().into(),
            )
        }
        ("resolve", Some(_)) if model == "gated" => error("403 Forbidden", "GatedRepo"),
        ("resolve", Some(file)) => match files.get(file) {
            Some(content) => {
                let headers = vec![
                    (
                        "ETag",
                        format!("\"{}-{}\"", file.replace('/', "-"), content.len()),
                    ),
                    ("X-Repo-Commit", COMMIT.into()),
                ];
                ("200 OK", headers, content.clone())
            }
            None => error("404 Not Found", "EntryNotFound"),
        },
        _ => error("404 Not Found", "EntryNotFound"),
    }
}

/// Resolves a name in a process with its own environment.
fn resolve(name: &str, cache: &Path, environment: &[(&str, &str)]) -> Result<PathBuf, String> {
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args([
        "--exact",
        "hub::in_a_process_of_its_own",
        "--ignored",
        "--nocapture",
    ]);
    for name in [
        "HF_TOKEN",
        "HF_HUB_OFFLINE",
        "HF_HUB_CACHE",
        "HUGGINGFACE_HUB_CACHE",
        "HF_ENDPOINT",
    ] {
        child.env_remove(name);
    }
    child
        .env("NO_PROXY", "127.0.0.1")
        .env("HF_HOME", cache)
        .env("RESOLVE", name);
    let output = child.envs(environment.iter().copied()).output().unwrap();
    let output = String::from_utf8(output.stdout).unwrap();
    let after = |mark: &str| {
        output
            .split_once(mark)
            .and_then(|(_, rest)| rest.split_once('\u{1}'))
    };
    match (after("FOLDER="), after("ERROR=")) {
        (Some((folder, _)), None) => Ok(folder.into()),
        (None, Some((error, _))) => Err(error.into()),
        _ => panic!("{output}"),
    }
}

#[test]
#[ignore = "run by the other tests of this file, with an environment of its own"]
fn in_a_process_of_its_own() {
    // Absent where somebody runs the ignored tests by hand.
    let Ok(name) = std::env::var("RESOLVE") else {
        return;
    };
    match resolve_model(&name, &HubOptions::default()) {
        Ok(folder) => println!("FOLDER={}\u{1}", folder.display()),
        Err(error) => println!("ERROR={error}\u{1}"),
    }
}

#[test]
fn a_model_is_fetched_once_with_one_format_of_weights_and_then_used_from_the_cache() {
    let (hub, home) = (Hub::start(), tempfile::tempdir().unwrap());
    let online = [("HF_ENDPOINT", hub.endpoint.as_str())];
    let folder = resolve("acme/tiny", home.path(), &online).unwrap();
    assert_eq!(
        hub.fetched(),
        ["config.json", "model.safetensors", "vocab.txt"]
    );
    let snapshot = home
        .path()
        .join("hub/models--acme--tiny/snapshots")
        .join(COMMIT);
    assert_eq!(folder, snapshot);
    Checkpoint::open(&folder).unwrap().tensors().unwrap();

    // Nothing is fetched twice.
    assert_eq!(resolve("acme/tiny", home.path(), &online).unwrap(), folder);
    assert_eq!(hub.fetched().len(), 3);

    // Without a network, and without the permission to use it, the cache serves.
    let unreachable = [("HF_ENDPOINT", "http://127.0.0.1:9")];
    assert_eq!(
        resolve("acme/tiny", home.path(), &unreachable).unwrap(),
        folder
    );
    let before = hub.requests();
    let offline = [
        ("HF_ENDPOINT", hub.endpoint.as_str()),
        ("HF_HUB_OFFLINE", "1"),
    ];
    assert_eq!(resolve("acme/tiny", home.path(), &offline).unwrap(), folder);
    assert_eq!(hub.requests(), before);
}

#[test]
fn a_revision_follows_the_name() {
    let (hub, home) = (Hub::start(), tempfile::tempdir().unwrap());
    let online = [("HF_ENDPOINT", hub.endpoint.as_str())];
    let folder = resolve("acme/tiny@v1", home.path(), &online).unwrap();
    assert!(folder.ends_with(COMMIT));
    assert!(home.path().join("hub/models--acme--tiny/refs/v1").exists());
    assert_eq!(
        resolve("acme/tiny@v2", home.path(), &online).unwrap_err(),
        format!(
            "{}/acme/tiny has no revision \"v2\", or there is no such model",
            hub.endpoint
        )
    );
}

#[test]
fn a_private_model_needs_the_token() {
    let (hub, home) = (Hub::start(), tempfile::tempdir().unwrap());
    let without = [("HF_ENDPOINT", hub.endpoint.as_str())];
    let with = [without[0], ("HF_TOKEN", "secret")];
    assert_eq!(
        resolve("acme/private", home.path(), &without).unwrap_err(),
        format!(
            "there is no folder \"acme/private\", and {} has no model of that name \
             (for a private one, set HF_TOKEN)",
            hub.endpoint
        )
    );
    assert!(resolve("acme/private", home.path(), &with).is_ok());
}

#[test]
fn what_the_hub_does_not_give_is_explained() {
    let (hub, home) = (Hub::start(), tempfile::tempdir().unwrap());
    let online = [("HF_ENDPOINT", hub.endpoint.as_str())];
    let error = |name| resolve(name, home.path(), &online).unwrap_err();
    assert_eq!(
        error("acme/gated"),
        format!(
            "{}/acme/gated is restricted: ask for access on that page, then set HF_TOKEN \
             (or log in with `hf auth login`)",
            hub.endpoint
        )
    );
    assert_eq!(
        error("acme/empty"),
        format!("{}/acme/empty has no config.json", hub.endpoint)
    );
}

#[test]
fn without_network_and_cache_both_are_named() {
    let home = tempfile::tempdir().unwrap();
    let cache = home.path().join("hub");
    let unreachable = [("HF_ENDPOINT", "http://127.0.0.1:9")];
    assert_eq!(
        resolve("acme/tiny", home.path(), &unreachable).unwrap_err(),
        format!(
            "there is no folder \"acme/tiny\"; http://127.0.0.1:9 cannot be reached to look for a \
             model of that name, and the cache {} does not have it",
            cache.display()
        )
    );
    let offline = [unreachable[0], ("HF_HUB_OFFLINE", "true")];
    assert_eq!(
        resolve("acme/tiny", home.path(), &offline).unwrap_err(),
        format!(
            "there is no folder \"acme/tiny\"; the cache {} does not have a model of that name \
             (revision \"main\"), and asking the Hub is forbidden (HF_HUB_OFFLINE)",
            cache.display()
        )
    );
}
