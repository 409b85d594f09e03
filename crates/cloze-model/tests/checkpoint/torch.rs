use std::fs;
use std::path::Path;

use cloze_model::checkpoint::TensorStore;
use proptest::prelude::*;
use testkit::golden::Golden;

use crate::fixture::{copy, golden, load, load_error, logits};

fn open_error(folder: &Path) -> String {
    let error = TensorStore::open(folder).unwrap_err().to_string();
    error.replace(&*folder.to_string_lossy(), "FOLDER")
}

#[test]
fn every_kind_of_torch_tensor_is_read_as_torch_reads_it() {
    let store = TensorStore::open(&golden("torch/kinds")).unwrap();
    let expected = Golden::read(&golden("torch/kinds/expected.safetensors"));
    for name in expected.names() {
        let wanted = expected.floats(&name);
        let found = store.read(&name, &wanted.shape).unwrap().unwrap();
        assert_eq!(found.try_to_vec::<f32>().unwrap(), wanted.values, "{name}");
    }
    assert_eq!(store.names().len(), expected.names().len() + 1);
    let buffer = store.read("position_ids", &[1, 7]).unwrap_err().to_string();
    assert!(
        buffer.ends_with(
            "pytorch_model.bin, field `position_ids`: found numbers of type I64, \
             wanted floating-point numbers"
        ),
        "{buffer}"
    );
    assert_eq!(store.read("steps", &[]).unwrap(), None);
}

#[test]
fn a_checkpoint_of_2019_gives_the_scores_of_the_same_weights_today() {
    let (old, report) = load(&golden("torch/old-names")).unwrap();
    assert!(report.lines().is_empty(), "{report:?}");
    let (today, _) = load(&golden("bert")).unwrap();
    assert_eq!(logits(&old), logits(&today));
}

#[test]
fn shards_are_read_together_and_a_missing_one_is_named() {
    let folder = copy("torch/sharded");
    let store = TensorStore::open(folder.path()).unwrap();
    let b = store.read("b", &[2, 1]).unwrap().unwrap();
    assert_eq!(b.try_to_vec::<f32>().unwrap(), [3.0, 4.0]);
    assert_eq!(store.names(), ["a", "b"]);
    fs::remove_file(folder.path().join("pytorch_model-00002-of-00002.bin")).unwrap();
    assert_eq!(
        open_error(folder.path()),
        "FOLDER/pytorch_model.bin.index.json names the shard pytorch_model-00002-of-00002.bin, \
         which is not beside it"
    );
}

#[test]
fn a_pickle_that_would_run_a_command_is_refused() {
    assert_eq!(
        open_error(&golden("torch/malicious")),
        "FOLDER/pytorch_model.bin: found a reference to `posix.system`, \
         wanted a dictionary of tensors, pickled by torch"
    );
}

#[test]
fn the_format_before_torch_1_6_is_refused_with_the_way_to_convert_it() {
    let error = open_error(&golden("torch/legacy"));
    assert!(
        error.starts_with("FOLDER/pytorch_model.bin is in the format of torch before 1.6"),
        "{error}"
    );
    assert!(error.contains("torch.save(torch.load(p, map_location='cpu', weights_only=True), p)"));
}

#[test]
fn a_truncated_archive_is_said_to_be_no_archive() {
    let folder = copy("torch/kinds");
    let file = folder.path().join("pytorch_model.bin");
    let bytes = fs::read(&file).unwrap();
    fs::write(&file, &bytes[..bytes.len() / 2]).unwrap();
    let error = open_error(folder.path());
    assert!(
        error.starts_with(
            "FOLDER/pytorch_model.bin: found a file that is no archive or is cut short"
        ),
        "{error}"
    );
}

#[test]
fn a_pointer_of_git_lfs_is_no_checkpoint() {
    let folder = copy("bert");
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 90888945\n";
    fs::write(folder.path().join("model.safetensors"), pointer).unwrap();
    assert_eq!(
        load_error(folder.path()),
        "FOLDER/model.safetensors is a Git LFS pointer, not the weights; \
         run `git lfs pull` in its folder"
    );
}

/// Reads whatever an archive claims to hold.
fn read_everything(bytes: &[u8]) {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("pytorch_model.bin"), bytes).unwrap();
    let Ok(store) = TensorStore::open(folder.path()) else {
        return;
    };
    for name in store.names() {
        let shape = store.shape(name).unwrap();
        let numbers: usize = shape.iter().product();
        assert!(numbers <= bytes.len() * 8, "{name} claims {shape:?}");
        if let Ok(Some(data)) = store.read(name, shape) {
            assert_eq!(data.try_to_vec::<f32>().unwrap().len(), numbers);
        }
    }
}

proptest! {
    #[test]
    fn damaged_archives_never_panic(
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let mut bytes = fs::read(golden("torch/kinds/pytorch_model.bin")).unwrap();
        for (place, byte) in damage {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        read_everything(&bytes);
    }

    #[test]
    fn damaged_pickles_never_panic(
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let mut bytes = fs::read(golden("torch/kinds/pytorch_model.bin")).unwrap();
        // The pickle is the first file of the archive.
        let start = bytes.windows(4).position(|window| window == b"\x80\x02cc").unwrap();
        for (place, byte) in damage {
            bytes[start + place.index(900)] = byte;
        }
        read_everything(&bytes);
    }
}
