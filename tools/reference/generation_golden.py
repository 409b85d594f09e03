"""Golden files of decoding: logits processors and beam search of `transformers`.

    python tools/reference/generation_golden.py

writes into crates/cloze-infer/tests/golden/generation:

- `processors.json`: a list of cases with `name`, `settings` (fields of a `generation_config.json`), `written`
  (token ids), `prompt` (how many of them were given), `scores` `[vocab]` and `expected` `[vocab]`, what the
  processors that `generate` would take, in its order, make of the scores; null is minus infinity.
- `beams.json`: `logits`, a table `[vocab, vocab]`, and `before`, another one: the logits of the next token
  are row w of the first plus row v of the second, w being the last token and v the one before it (none: zero).
  `cases` have `settings`, `prompt`, `end` (the token that ends a text, or null), and `sequences` with
  `scores`, what `generate` gives for them, best first, the prompt left out and the end included.
- `greedy.json`: of the same tables, `cases` with `settings`, `prompt` and `sequence`.
"""

import json
from pathlib import Path

import torch
from transformers import GenerationConfig, GenerationMixin, LogitsProcessorList, PretrainedConfig, PreTrainedModel
from transformers.modeling_outputs import CausalLMOutput

GOLDEN = Path(__file__).resolve().parents[2] / "crates/cloze-infer/tests/golden/generation"
VOCABULARY = 23
LEAST_GAP = 1e-4
"""Scores that are closer than this could change places by rounding."""


class TableConfig(PretrainedConfig):
    model_type = "table"

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.vocab_size = VOCABULARY
        self.num_hidden_layers = 1


class TableModel(PreTrainedModel, GenerationMixin):
    """A language model that is two tables."""

    config_class = TableConfig

    def __init__(self, seed: int):
        super().__init__(TableConfig())
        generator = torch.Generator().manual_seed(seed)
        self.last = torch.nn.Parameter(torch.randn(VOCABULARY, VOCABULARY, generator=generator) * 1.5)
        self.before = torch.nn.Parameter(torch.randn(VOCABULARY, VOCABULARY, generator=generator))

    def prepare_inputs_for_generation(self, input_ids, **_):
        return {"input_ids": input_ids}

    def forward(self, input_ids, **_):
        logits = self.last[input_ids]
        logits[:, 1:] += self.before[input_ids[:, :-1]]
        return CausalLMOutput(logits=logits)


def numbers(values: torch.Tensor) -> list:
    return [None if value == float("-inf") else value for value in values.tolist()]


def processors(model: TableModel, settings: dict, length: int) -> LogitsProcessorList:
    """The processors that `generate` takes for these settings."""
    config = GenerationConfig(**settings)
    model._prepare_special_tokens(config)
    return model._get_logits_processor(config, input_ids_seq_length=length)


def processor_case(model: TableModel, name: str, settings: dict, written: list[int], prompt: int, seed: int, **more) -> dict:
    generator = torch.Generator().manual_seed(seed)
    scores = torch.randn(1, VOCABULARY, generator=generator) * more.get("size", 3.0)
    if ties := more.get("ties"):
        scores[0, ties] = scores.max().item()
    chain = processors(model, settings, prompt)
    expected = chain(torch.tensor([written]), scores.clone())
    if name != "nothing":
        assert not torch.equal(expected, scores), name
    return {
        "name": name,
        "settings": settings,
        "written": written,
        "prompt": prompt,
        "scores": numbers(scores[0]),
        "expected": numbers(expected[0]),
    }


def processor_cases(model: TableModel) -> list[dict]:
    written = [4, 7, 4, 9, 2, 4, 7]
    sampling = {"do_sample": True, "top_k": 0}
    return [
        processor_case(model, "nothing", {"do_sample": False}, written, 3, 1),
        processor_case(model, "repetition penalty", {"do_sample": False, "repetition_penalty": 1.3}, written, 3, 2),
        processor_case(model, "repetition reward", {"do_sample": False, "repetition_penalty": 0.7}, written, 3, 3),
        processor_case(model, "no repeated bigram", {"do_sample": False, "no_repeat_ngram_size": 2}, written, 3, 4),
        processor_case(model, "no repeated trigram", {"do_sample": False, "no_repeat_ngram_size": 3}, [*written, 4, 9, 4, 7], 3, 5),
        processor_case(model, "no token twice", {"do_sample": False, "no_repeat_ngram_size": 1}, written, 3, 6),
        processor_case(model, "banned tokens", {"do_sample": False, "bad_words_ids": [[3], [11]]}, written, 3, 7),
        processor_case(
            model, "banned words of several tokens", {"do_sample": False, "bad_words_ids": [[7, 5], [4, 7, 6], [9, 7, 1], [2]]}, written, 3, 8
        ),
        processor_case(model, "suppressed tokens", {"do_sample": False, "suppress_tokens": [0, 1, 22]}, written, 3, 9),
        processor_case(model, "temperature", {**sampling, "temperature": 0.6}, written, 3, 10),
        processor_case(model, "high temperature", {**sampling, "temperature": 1.8}, written, 3, 11),
        processor_case(model, "top-k", {**sampling, "top_k": 5}, written, 3, 12),
        processor_case(model, "top-k with ties", {**sampling, "top_k": 3}, written, 3, 13, ties=[2, 8, 9, 15]),
        processor_case(model, "top-1", {**sampling, "top_k": 1}, written, 3, 14),
        processor_case(model, "top-p", {**sampling, "top_p": 0.8}, written, 3, 15),
        processor_case(model, "low top-p", {**sampling, "top_p": 0.05}, written, 3, 16),
        processor_case(model, "top-p of a flat distribution", {**sampling, "top_p": 0.9}, written, 3, 17, size=0.3),
        processor_case(model, "top-k, then top-p", {**sampling, "top_k": 6, "top_p": 0.7}, written, 3, 18, size=1.0),
        processor_case(
            model,
            "the whole chain",
            {
                "do_sample": True,
                "repetition_penalty": 1.5,
                "no_repeat_ngram_size": 2,
                "bad_words_ids": [[3], [7, 5]],
                "suppress_tokens": [0, 1],
                "temperature": 0.8,
                "top_k": 9,
                "top_p": 0.9,
            },
            written,
            3,
            19,
            size=1.5,
        ),
        processor_case(
            model,
            "the chain of a beam search",
            {"do_sample": False, "num_beams": 3, "repetition_penalty": 1.2, "no_repeat_ngram_size": 2, "suppress_tokens": [4]},
            written,
            3,
            20,
        ),
    ]


def beam_case(model: TableModel, settings: dict, prompt: list[int], end: int | None) -> dict:
    config = GenerationConfig(
        **settings, eos_token_id=end, pad_token_id=0, use_cache=False, output_scores=True, return_dict_in_generate=True
    )
    with torch.no_grad():
        found = model.generate(torch.tensor([prompt]), generation_config=config)
    sequences = []
    for row in found.sequences.tolist():
        row = row[len(prompt) :]
        sequences.append(row[: row.index(end) + 1] if end in row else row)
    scores = found.sequences_scores.tolist()
    gaps = [above - below for above, below in zip(scores, scores[1:])]
    assert all(gap > LEAST_GAP for gap in gaps), (settings, scores)
    return {"settings": settings, "prompt": prompt, "end": end, "sequences": sequences, "scores": scores}


def beam_cases(model: TableModel) -> list[dict]:
    def beams(width: int, best: int, tokens: int, **more) -> dict:
        return {"do_sample": False, "num_beams": width, "num_return_sequences": best, "max_new_tokens": tokens, **more}

    cases = [
        beam_case(model, beams(2, 1, 6), [3], None),
        beam_case(model, beams(4, 4, 8), [3, 5], None),
        beam_case(model, beams(5, 3, 12, length_penalty=2.0), [9], 8),
        beam_case(model, beams(4, 4, 12, length_penalty=0.0), [6], 8),
        beam_case(model, beams(4, 4, 12, length_penalty=-1.0), [6], 8),
        beam_case(model, beams(4, 4, 12, early_stopping=True), [6], 8),
        beam_case(model, beams(4, 4, 12, early_stopping=False), [6], 8),
        beam_case(model, beams(4, 4, 12, early_stopping="never"), [6], 8),
        beam_case(model, beams(3, 3, 12, early_stopping="never", length_penalty=1.5), [6], 8),
        beam_case(model, beams(3, 3, 20, early_stopping=True, length_penalty=0.5), [6], 17),
        beam_case(model, beams(4, 2, 10, repetition_penalty=1.4), [2, 2], 8),
        beam_case(model, beams(4, 3, 10, no_repeat_ngram_size=2, suppress_tokens=[5, 11]), [2, 7], 8),
        beam_case(model, beams(3, 3, 9, bad_words_ids=[[4], [6, 2]]), [12], 8),
        beam_case(model, beams(8, 8, 5), [0], 8),
        beam_case(model, beams(3, 3, 1), [4], 8),
    ]
    for name, some in [("length penalties", [*cases[3:5], cases[6]]), ("kinds of early stopping", cases[5:8])]:
        kinds = {json.dumps(case["sequences"]) for case in some}
        assert len(kinds) > 1, f"{name} must show"
    assert any(len(sequence) < case["settings"]["max_new_tokens"] for case in cases for sequence in case["sequences"])
    return cases


def greedy_cases(model: TableModel) -> list[dict]:
    cases = []
    for settings, prompt in [
        ({"do_sample": False, "max_new_tokens": 15}, [3]),
        ({"do_sample": False, "max_new_tokens": 15, "repetition_penalty": 1.5}, [3, 4]),
        ({"do_sample": False, "max_new_tokens": 15, "no_repeat_ngram_size": 2}, [3, 4]),
    ]:
        config = GenerationConfig(**settings, pad_token_id=0, use_cache=False)
        with torch.no_grad():
            found = model.generate(torch.tensor([prompt]), generation_config=config)
        cases.append({"settings": settings, "prompt": prompt, "sequence": found[0, len(prompt) :].tolist()})
    return cases


def main() -> None:
    GOLDEN.mkdir(parents=True, exist_ok=True)
    model = TableModel(7).eval()
    cases = processor_cases(model)
    (GOLDEN / "processors.json").write_text("[\n" + ",\n".join(map(json.dumps, cases)) + "\n]\n")
    tables = {"logits": model.last.tolist(), "before": model.before.tolist()}
    (GOLDEN / "beams.json").write_text(json.dumps({**tables, "cases": beam_cases(model)}) + "\n")
    (GOLDEN / "greedy.json").write_text(json.dumps({**tables, "cases": greedy_cases(model)}) + "\n")
    print(f"{GOLDEN.name}: {len(cases)} cases of processors")


if __name__ == "__main__":
    main()
