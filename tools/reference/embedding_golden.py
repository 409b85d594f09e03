"""Golden files of embeddings: folders of `sentence-transformers`, and the vectors that it computes.

    make assets
    python tools/reference/embedding_golden.py

writes crates/cloze-infer/tests/golden/embeddings:

- a folder for each of FOLDERS, as `sentence-transformers` saves it (`minilm` is not one of them: it is
  `assets/minilm`), and for `plain` and `plain-distilbert` as `transformers` does, without modules
- `expected.safetensors`: for each folder and prompt the vectors of TEXTS, `NAME` without a prompt,
  `NAME.PROMPT` with the folder's prompt of that name
- `expected.json`: the texts, and for each tensor its `folder`, from the root of the repository, its
  `prompt` (null: none), and what differs from the folder: `pooling`, `normalize`

The vectors of `plain…` are the formulas, of `transformers`' hidden states; all others are what
`SentenceTransformer.encode` returns. The weights are random and large. The script stops where two
tensors of the same folder are alike, where one is what another pooling gives, or where a vector is not
what the formulas give for the hidden states.
"""

import json
import shutil
from pathlib import Path

import torch
import transformers
from safetensors.torch import save_file
from sentence_transformers import SentenceTransformer
from sentence_transformers.base.modules import Dense, Normalize, Transformer
from sentence_transformers.sentence_transformer.modules import Dropout, Pooling
from transformers import AutoModel, AutoTokenizer, BertConfig, BertModel, DistilBertConfig, DistilBertModel

from tiny_masked_lms import BERT_SIZES, DISTILBERT_SIZES, save_tokenizer
from tiny_models import randomise

ROOT = Path(__file__).resolve().parents[2]
GOLDEN = ROOT / "crates/cloze-infer/tests/golden/embeddings"
MINILM = "assets/minilm"
WIDTH = 24
TEXTS = [
    "the cat sat on the mat.",
    "The Cat walked, playing undoable films!",
    "我爱中国，天气good。",
    "film",
    "he isn't undoing it and we love the very good film , not the bad dog story on a warm mat",
    "xyzzy",
]
ENGLISH = [
    "A man is eating food.",
    "Someone has a meal.",
    "The cat sits outside, and the children play football in the park!",
    "Unbelievably, the café's naïve owner didn't re-open — 3,000 customers were disappointed.",
    "A very long text. " * 80,
    "ok",
]
PROMPTS = {"query": "the film is : ", "document": ""}
# Largest difference at which two tensors count as alike.
ALIKE = 1e-2
# How far the formulas may be from what `sentence-transformers` computes.
CLOSE = 1e-5


def pooled(mode: str, hidden: torch.Tensor, skipped: int) -> torch.Tensor:
    """The formula of a pooling over the states of one text, `[seq, hidden]`."""
    kept = hidden[skipped:]
    weights = torch.arange(skipped + 1, len(hidden) + 1, dtype=hidden.dtype)[:, None]
    return {
        "cls": lambda: kept[0],
        "max": lambda: kept.max(0).values,
        "mean": lambda: kept.mean(0),
        "mean_sqrt_len_tokens": lambda: kept.sum(0) / len(kept) ** 0.5,
        "weightedmean": lambda: (kept * weights).sum(0) / weights.sum(),
        "lasttoken": lambda: kept[-1],
    }[mode]()


def write_checkpoint(folder: Path, distilbert: bool, seed: int) -> None:
    """A tiny random encoder with its tokenizer."""
    folder.mkdir(parents=True)
    if distilbert:
        model = DistilBertModel(DistilBertConfig(**DISTILBERT_SIZES))
    else:
        model = BertModel(BertConfig(**BERT_SIZES))
    randomise(model, seed=seed, output_stds={})
    model.save_pretrained(folder)
    save_tokenizer(folder)


def modules(folder: Path, modes: list[str], *behind, include_prompt: bool = True, **transformer) -> SentenceTransformer:
    """A model on the checkpoint of a folder."""
    first = Transformer(str(folder), **transformer)
    pooling = Pooling(WIDTH, pooling_mode=modes, include_prompt=include_prompt)
    return SentenceTransformer(modules=[first, pooling, *behind], prompts=PROMPTS, device="cpu")


def dense(inputs: int, outputs: int, seed: int, **options) -> Dense:
    """A random dense layer."""
    layer = Dense(inputs, outputs, **options)
    randomise(layer, seed=seed, output_stds={})
    return layer


# What stands behind the transformer of each folder, given its checkpoint.
FOLDERS = {
    "mean": lambda path: modules(path, ["mean"]),
    "normalized": lambda path: modules(path, ["cls"], Normalize()),
    "all": lambda path: modules(
        path, ["cls", "max", "mean", "mean_sqrt_len_tokens", "weightedmean", "lasttoken"], max_seq_length=16
    ),
    "dense": lambda path: modules(
        path,
        ["max", "mean"],
        Dropout(0.1),
        dense(2 * WIDTH, 10, 1),
        dense(10, 7, 2, bias=False, activation_function=torch.nn.Identity()),
        Normalize(),
    ),
    "without-prompt": lambda path: modules(
        path, ["cls", "max", "mean", "mean_sqrt_len_tokens", "weightedmean", "lasttoken"], include_prompt=False
    ),
    "distilbert": lambda path: modules(path, ["mean", "max"], Normalize(), include_prompt=False),
}
# The form in which versions before 6 saved the settings of these folders.
OLDER = ["all", "normalized"]
FLAGS = {
    "cls": "pooling_mode_cls_token",
    "max": "pooling_mode_max_tokens",
    "mean": "pooling_mode_mean_tokens",
    "mean_sqrt_len_tokens": "pooling_mode_mean_sqrt_len_tokens",
    "weightedmean": "pooling_mode_weightedmean_tokens",
    "lasttoken": "pooling_mode_lasttoken",
}


def make_older(folder: Path, max_length: int | None) -> None:
    """Rewrite the settings of a folder as versions 2 to 5 have them."""
    path = folder / "modules.json"
    listed = json.loads(path.read_text())
    for module in listed:
        module["type"] = "sentence_transformers.models." + module["type"].rsplit(".", 1)[1]
    path.write_text(json.dumps(listed, indent=2) + "\n")
    path = folder / "1_Pooling/config.json"
    config = json.loads(path.read_text())
    modes = config["pooling_mode"]
    modes = [modes] if isinstance(modes, str) else modes
    flags = {flag: mode in modes for mode, flag in FLAGS.items()}
    path.write_text(json.dumps({"word_embedding_dimension": WIDTH, **flags, "include_prompt": True}, indent=2) + "\n")
    settings = {"max_seq_length": max_length, "do_lower_case": False}
    (folder / "sentence_bert_config.json").write_text(json.dumps(settings, indent=2) + "\n")


def check_formula(name: str, model: SentenceTransformer, prompt: str, vectors: torch.Tensor) -> None:
    """Raise where a folder's vectors are not those that the documented formulas give."""
    encoder, tokenizer = model[0].auto_model.eval(), model[0].tokenizer
    pooling = model[1]
    modes = [pooling.pooling_mode] if isinstance(pooling.pooling_mode, str) else pooling.pooling_mode
    skipped = 0
    if prompt and not pooling.include_prompt:
        skipped = len(tokenizer(prompt).input_ids) - 1
    for text, vector in zip(TEXTS, vectors):
        inputs = tokenizer(prompt + text, return_tensors="pt", truncation=True, max_length=model.max_seq_length)
        if encoder.config.model_type == "distilbert":
            inputs.pop("token_type_ids", None)
        with torch.no_grad():
            hidden = encoder(**inputs).last_hidden_state[0]
            expected = torch.cat([pooled(mode, hidden, skipped) for mode in modes])
            for module in list(model)[2:]:
                if isinstance(module, Dense):
                    expected = module.activation_function(module.linear(expected))
                elif isinstance(module, Normalize):
                    expected = expected / expected.norm()
        if (expected - vector).abs().max() > CLOSE:
            raise AssertionError(f"{name}: {text!r} is not what the formulas give")


def golden_folder(name: str, expected: dict, cases: list[dict]) -> None:
    """Save a folder, load it again, and compute its vectors with and without a prompt."""
    folder, checkpoint = GOLDEN / name, GOLDEN / f"{name}-checkpoint"
    write_checkpoint(checkpoint, distilbert="distilbert" in name, seed=4)
    FOLDERS[name](checkpoint).save(str(folder), create_model_card=False)
    shutil.rmtree(checkpoint)
    # A vocabulary is smaller than the tokenizer.json that is saved beside it.
    (folder / "tokenizer.json").unlink()
    length = json.loads((folder / "tokenizer_config.json").read_text())["model_max_length"]
    save_tokenizer(folder)
    config = json.loads((folder / "tokenizer_config.json").read_text())
    (folder / "tokenizer_config.json").write_text(json.dumps(config | {"model_max_length": length}, indent=2) + "\n")
    if name in OLDER:
        make_older(folder, length)
    model = SentenceTransformer(str(folder), device="cpu")
    for prompt in [None, "query"]:
        tensor = name if prompt is None else f"{name}.{prompt}"
        text = PROMPTS[prompt] if prompt else ""
        vectors = model.encode(TEXTS, prompt=text, convert_to_tensor=True)
        check_formula(tensor, model, text, vectors)
        expected[tensor] = vectors.contiguous()
        cases.append({"tensor": tensor, "folder": str(folder.relative_to(ROOT)), "prompt": prompt})
    if (expected[name] - expected[f"{name}.query"]).abs().max() < ALIKE:
        raise AssertionError(f"{name}: the prompt changes nothing")


def golden_plain(name: str, distilbert: bool, expected: dict, cases: list[dict]) -> None:
    """An ordinary checkpoint with poolings that are asked for."""
    folder = GOLDEN / name
    write_checkpoint(folder, distilbert, seed=5)
    model, tokenizer = AutoModel.from_pretrained(folder).eval(), AutoTokenizer.from_pretrained(folder)
    wanted = [["mean"], ["cls"], ["max"], ["lasttoken", "mean"]] + ([] if distilbert else [["pooled"], ["pooled", "max"]])
    for modes in wanted:
        rows = []
        for text in TEXTS:
            inputs = tokenizer(text, return_tensors="pt", truncation=True)
            if distilbert:
                inputs.pop("token_type_ids", None)
            with torch.no_grad():
                output = model(**inputs)
            hidden = output.last_hidden_state[0]
            parts = [output.pooler_output[0] if mode == "pooled" else pooled(mode, hidden, 0) for mode in modes]
            rows.append(torch.cat(parts))
        for normalize in [False, True]:
            tensor = f"{name}.{'+'.join(modes)}" + (".normalized" if normalize else "")
            vectors = torch.stack(rows)
            expected[tensor] = torch.nn.functional.normalize(vectors) if normalize else vectors
            case = {"pooling": modes, "normalize": normalize, "prompt": None}
            cases.append({"tensor": tensor, "folder": str(folder.relative_to(ROOT))} | case)
    tensors = [(name, tensor) for name, tensor in expected.items() if name.startswith(f"{folder.name}.")]
    for first, one in tensors:
        for second, other in tensors:
            if first < second and one.shape == other.shape and (one - other).abs().max() < ALIKE:
                raise AssertionError(f"{first} and {second} are alike")


def main() -> None:
    transformers.utils.logging.disable_progress_bar()
    transformers.utils.logging.set_verbosity_error()
    torch.use_deterministic_algorithms(True)
    torch.set_num_threads(1)
    shutil.rmtree(GOLDEN, ignore_errors=True)
    expected, cases = {}, []
    for name in FOLDERS:
        golden_folder(name, expected, cases)
    golden_plain("plain", False, expected, cases)
    golden_plain("plain-distilbert", True, expected, cases)
    minilm = SentenceTransformer(str(ROOT / MINILM), device="cpu")
    expected["minilm"] = minilm.encode(ENGLISH, convert_to_tensor=True).contiguous()
    if list(map(type, minilm))[1:] != [Pooling, Normalize]:
        raise AssertionError("assets/minilm has no modules.json: run `make assets`")
    cases.append({"tensor": "minilm", "folder": MINILM, "prompt": None})
    save_file(expected, GOLDEN / "expected.safetensors")
    golden = {"texts": TEXTS, "english": ENGLISH, "cases": cases}
    text = json.dumps(golden, indent=1, ensure_ascii=False) + "\n"
    (GOLDEN / "expected.json").write_text(text, encoding="utf-8")
    print(f"{len(cases)} tensors, {sum(file.stat().st_size for file in GOLDEN.rglob('*') if file.is_file()):,} bytes")


if __name__ == "__main__":
    main()
