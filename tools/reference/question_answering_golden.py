"""Golden files of question answering: models as `transformers` saves them, and what it computes.

    python tools/reference/question_answering_golden.py

writes a folder for each of BERT and DistilBERT into crates/cloze-infer/tests/golden/question_answering: the
model (`config.json`, `model.safetensors`, the tokenizer; for BERT `question_answering.json`, cloze's own
settings), `gradients.safetensors` with `grad.NAME` for every parameter under its name in
`model.safetensors`, and `expected.json` with

- `batch`: windows of one length, without padding: `input_ids`, `token_type_ids`, `start_positions` and
  `end_positions` (one of which lies behind its window and is ignored), the `logits` of every token, and the
  `loss` of `BertForQuestionAnswering`, whose gradients the other file has,
- `cases`: a question with its context and an answer, `windows` with their ids, the places of their
  tokens in the context and the positions of the answer, `spans` with text, place, logits and probability,
  the best first, the score of no answer (`null_score`) and its difference to the best span.

Windows and spans follow the question answering example of `transformers` (`run_qa.py`, `utils_qa.py`): the
second text is cut, with a stride; of each window the best starts are put together with the best ends; what is
no span of the context or too long is left out; spans of all windows are sorted by the sum of their logits; the
score of no answer is the least one of all windows. One that two windows have is listed once here. The
probability is that of its start times that of its end, where those of all windows are 1 together: in a single
window what the question-answering pipeline gave.

The script leaves out cases whose order rounding could change, and stops where too few are left.
"""

import json
import math
from pathlib import Path

import torch
import transformers
from safetensors.torch import save_file
from transformers import (
    BertConfig,
    BertForQuestionAnswering,
    BertTokenizer,
    DistilBertConfig,
    DistilBertForQuestionAnswering,
    PreTrainedModel,
)

from tiny_masked_lms import BERT_SIZES, DISTILBERT_SIZES, TOKENIZER, VOCABULARY, save_tokenizer
from tiny_models import MAX_POSITIONS, randomise

GOLDEN = Path(__file__).resolve().parents[2] / "crates/cloze-infer/tests/golden/question_answering"
LEAST_GAP = 2e-4
# Question, context, answer; the answer is empty where there is none.
QUESTIONS = [
    ("who sat?", "The Cat sat on the mat.", "Cat"),
    ("who walked", "the dog walked, 我爱中国。 " * 4, "我爱中国"),
    ("天气?", "中国\u3000天气  very   good\t(bad)", "天气"),
    ("what film", "we ❤️ the dog 🐶🐶 and 👩‍👩‍👧 walked to the film in 中国, and it was good", "🐶🐶"),
    ("is it warm", "cafe\u0301 cats, dogs\u0301 and the na\u00efve zebra", "dogs\u0301"),
    ("i love you", "i love the cat. she loves a warm story. we sat and played. he was very bad, not good!", "warm story"),
    ("he", "undoable films " * 12, "films"),
    ("who was bad", "it was cold. " * 9, ""),
    ("film?", "𠀀天 cat’s 2023 play-ing", "𠀀天"),
    ("who played", "in 中国 we sat on 3 mats and played; the 天气 was good, the dog was not, and she walked to 中国", "the dog"),
    ("cat", "  he isn't undoing it ", "isn't"),
    ("play", "a cat, a dog, a cat, a dog, a cat, a dog, a cat, a dog, a film", "a film"),
]


class Unclear(Exception):
    """Numbers are so close that rounding could change their order."""


def tokenizer_of(model: PreTrainedModel) -> BertTokenizer:
    """The tokenizer of the tiny models; DistilBERT takes no token types."""
    tokenizer = BertTokenizer(
        {token: index for index, token in enumerate(VOCABULARY)},
        **{key: value for key, value in TOKENIZER.items() if key != "tokenizer_class"},
    )
    if isinstance(model, DistilBertForQuestionAnswering):
        tokenizer.model_input_names = ["input_ids", "attention_mask"]
    return tokenizer


def arguments(ids: list[list[int]], types: list[list[int]], model: PreTrainedModel) -> dict[str, torch.Tensor]:
    """What the model reads."""
    found = {"input_ids": torch.tensor(ids)}
    if not isinstance(model, DistilBertForQuestionAnswering):
        found["token_type_ids"] = torch.tensor(types)
    return found


def windows_of(tokenizer, question: str, context: str, max_length: int = MAX_POSITIONS) -> list[dict]:
    """The windows of a context with its question: ids, types, and for tokens of the context their characters.

    A third of a window is repeated, as in cloze.
    """
    encoded = tokenizer(
        question,
        context,
        truncation="only_second",
        max_length=max_length,
        stride=max_length // 3,
        return_overflowing_tokens=True,
        return_offsets_mapping=True,
        return_token_type_ids=True,
    )
    windows = []
    for row, ids in enumerate(encoded["input_ids"]):
        of_context = [sequence == 1 for sequence in encoded.sequence_ids(row)]
        offsets = [place if own else None for place, own in zip(encoded["offset_mapping"][row], of_context)]
        windows.append({"ids": ids, "types": encoded["token_type_ids"][row], "offsets": offsets})
    return windows


def positions(window: dict, context: str, answer: str) -> tuple[int, int]:
    """The tokens of an answer; the first token of all where the window does not have it whole."""
    own = [(token, *place) for token, place in enumerate(window["offsets"]) if place is not None]
    start = context.find(answer)
    end = start + len(answer)
    if not answer or own[0][1] > start or own[-1][2] < end:
        return 0, 0
    first = max(token for token, begin, _ in own if begin <= start)
    last = min(token for token, _, behind in own if behind >= end)
    return first, last


def best(logits: list[float], count: int, least_gap: float) -> list[int]:
    """The positions of the highest logits."""
    order = sorted(range(len(logits)), key=lambda token: -logits[token])
    if count < len(order) and logits[order[count - 1]] - logits[order[count]] < least_gap:
        raise Unclear
    return order[:count]


def spans_of(windows: list[dict], context: str, limits: dict, least_gap: float = LEAST_GAP) -> dict:
    """The best spans of all windows."""
    spans: dict[tuple[int, int], dict] = {}
    null_scores, total = [], 0.0
    for window in windows:
        starts, ends = zip(*window["logits"])
        null_scores.append(starts[0] + ends[0])
        own = [0, *(token for token, place in enumerate(window["offsets"]) if place is not None)]
        total += math.prod(sum(math.exp(logits[token]) for token in own) for logits in (starts, ends))
        for first in best(starts, limits["n_best"], least_gap):
            for last in best(ends, limits["n_best"], least_gap):
                outside = window["offsets"][first] is None or window["offsets"][last] is None
                if outside or last < first or last - first + 1 > limits["max_answer_length"]:
                    continue
                place = (window["offsets"][first][0], window["offsets"][last][1])
                score = starts[first] + ends[last]
                if place not in spans or spans[place]["score"] < score:
                    logits = {"start_logit": starts[first], "end_logit": ends[last]}
                    spans[place] = {"text": context[slice(*place)], "place": place, "score": score, **logits}
    found = sorted(spans.values(), key=lambda span: -span["score"])
    scores = [span["score"] for span in found[: limits["n_best"] + 1]]
    if any(high - low < least_gap for high, low in zip(scores, scores[1:])):
        raise Unclear
    found = found[: limits["n_best"]]
    for span in found:
        span["probability"] = math.exp(span["score"]) / total
    null = min(null_scores)
    return {
        "spans": found,
        "null_score": null,
        "null_probability": math.exp(null) / total,
        "null_score_difference": null - found[0]["score"],
    }


def cases(model: PreTrainedModel, limits: dict) -> list[dict]:
    """Every question that is clear."""
    tokenizer = tokenizer_of(model)
    found = []
    for question, context, answer in QUESTIONS:
        windows = windows_of(tokenizer, question, context)
        for window in windows:
            with torch.no_grad():
                output = model(**arguments([window["ids"]], [window["types"]], model))
            pairs = zip(output.start_logits[0].tolist(), output.end_logits[0].tolist())
            window["logits"] = [list(pair) for pair in pairs]
            window["positions"] = positions(window, context, answer)
        try:
            spans = spans_of(windows, context, limits)
        except Unclear:
            continue
        if abs(spans["null_score_difference"] - limits["null_threshold"]) < LEAST_GAP:
            continue
        found.append({"question": question, "context": context, "answer": answer, "windows": windows, **spans})
    several = [case for case in found if len(case["windows"]) > 1]
    differences = [case["null_score_difference"] for case in found]
    if len(found) < 7 or len(several) < 3:
        raise AssertionError(f"only {len(found)} questions are clear, {len(several)} of them long")
    if limits["unanswerable"] and not min(differences) < limits["null_threshold"] < max(differences):
        raise AssertionError(f"all have an answer, or none has: {differences}")
    if not any(case["windows"][0]["positions"] != (0, 0) for case in found):
        raise AssertionError("no answer is in a first window")
    return found


def batch(model: PreTrainedModel, windows: list[dict]) -> dict:
    """Logits, loss and gradients of windows of the same length."""
    ids = [window["ids"] for window in windows]
    types = [window["types"] for window in windows]
    starts = [window["positions"][0] for window in windows]
    ends = [window["positions"][1] for window in windows]
    # Behind the window: it counts in no mean.
    ends[1] = MAX_POSITIONS + 3
    model.zero_grad()
    output = model(
        **arguments(ids, types, model), start_positions=torch.tensor(starts), end_positions=torch.tensor(ends)
    )
    output.loss.backward()
    logits = torch.stack([output.start_logits, output.end_logits], -1).tolist()
    return {
        "input_ids": ids,
        "token_type_ids": types,
        "start_positions": starts,
        "end_positions": ends,
        "logits": logits,
        "loss": output.loss.item(),
    }


def write(name: str, model: PreTrainedModel, settings: dict | None, seed: int) -> None:
    """Write the folder of a model."""
    randomise(model, seed=seed, output_stds={"qa_outputs.weight": 0.6})
    model.eval()
    folder = GOLDEN / name
    folder.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(folder)
    save_tokenizer(folder)
    if settings:
        (folder / "question_answering.json").write_text(json.dumps(settings, indent=2) + "\n")
    usual = {"max_answer_length": 30, "n_best": 20, "unanswerable": False, "null_threshold": 0.0}
    limits = usual | (settings or {})
    found = cases(model, limits)
    full = [window for case in found for window in case["windows"] if len(window["ids"]) == MAX_POSITIONS]
    expected = {"batch": batch(model, full[:5]), "cases": found}
    gradients = {f"grad.{name}": parameter.grad.contiguous() for name, parameter in model.named_parameters()}
    save_file(gradients, folder / "gradients.safetensors")
    file = folder / "expected.json"
    file.write_text(json.dumps(expected, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"{name}: {len(found)} questions, {file.stat().st_size} bytes")


def main() -> None:
    transformers.utils.logging.disable_progress_bar()
    torch.use_deterministic_algorithms(True)
    torch.set_num_threads(1)
    settings = {"max_answer_length": 5, "n_best": 8, "unanswerable": True, "null_threshold": 0.5}
    write("bert", BertForQuestionAnswering(BertConfig(**BERT_SIZES)), settings, seed=21)
    write("distilbert", DistilBertForQuestionAnswering(DistilBertConfig(**DISTILBERT_SIZES)), None, seed=22)


if __name__ == "__main__":
    main()
