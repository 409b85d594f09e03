"""Generation of 200 tokens, BERT-base size, a window of 32: greedy, one text.

A masked language model with random weights fills the first of a few masks at the end of the text; both sides compute logits of that
position alone, exclude special tokens and repeated trigrams, and write the same tokens.
"""

from measurement import Comparison, Disagreement, Finished, Side
from settings import Settings

NAME = "generation"
ROUNDS = 5
MODEL = "bert-base-mlm"
TOKENS, QUICK_TOKENS, WINDOW = 200, 10, 32
PROMPT = ",".join(str(id) for id in range(2_000, 2_032))
LEAST_SAME = 0.9
"""Rounding may change one of many tokens, and then those that follow."""


def prepare(settings: Settings) -> list[Comparison]:
    """Seconds for all tokens, without loading."""
    tokens = QUICK_TOKENS if settings.quick else TOKENS
    model = settings.model(MODEL)
    inputs = ["--model", model, "--prompt", PROMPT, "--tokens", tokens, "--window", WINDOW]
    sides = {
        "cloze": Side(settings.cloze("generate_tokens", *inputs), all_tokens),
        "PyTorch": Side(settings.peer("torch_generate", *inputs), all_tokens),
    }
    return [Comparison(f"generation of {tokens} tokens, BERT-base size, window {WINDOW}", "s", sides, same_tokens)]


def all_tokens(finished: Finished) -> float:
    """Seconds of all tokens together."""
    return finished.json["seconds"]


def same_tokens(finished: dict[str, Finished]) -> float:
    """The share of tokens, from the first on, that are not the same; most have to be."""
    ours, theirs = (finished[side].json["tokens"] for side in ("cloze", "PyTorch"))
    pairs = list(zip(ours, theirs, strict=True))
    same = next((at for at, (one, other) in enumerate(pairs) if one != other), len(pairs))
    if same < LEAST_SAME * len(pairs):
        raise Disagreement(f"the texts part after {same} of {len(pairs)} tokens")
    return 1 - same / len(pairs)
