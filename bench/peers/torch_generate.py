"""Greedy generation with a masked language model of `transformers` on PyTorch: the peer of `generate_tokens`.

    python -m peers.torch_generate --model FOLDER --prompt IDS --tokens N --window N

A token is what stands behind the first of a few masks at the end of the text; the model reads the last tokens of
it, as many as the window holds with `[CLS]`, the masks and `[SEP]`. Eager, in inference mode, with SDPA attention; the head computes
the row of that mask alone. Special tokens are never written, and no three tokens in a row twice, by the
processors of `transformers`. Prints `seconds` for all tokens, `tokens`, and `memory`.
"""

import argparse
import json
import time
from pathlib import Path

import torch
from transformers import AutoModelForMaskedLM, AutoTokenizer
from transformers.generation.logits_process import (
    LogitsProcessorList,
    NoRepeatNGramLogitsProcessor,
    SuppressTokensLogitsProcessor,
)

from peers import process_memory

MASKS = 4
"""As `MaskedNextToken` of cloze has them."""


def generate(model, tokenizer, prompt: list[int], tokens: int, window: int) -> list[int]:
    """The likeliest tokens behind the prompt, one after the other."""
    chain = LogitsProcessorList(
        [NoRepeatNGramLogitsProcessor(3), SuppressTokensLogitsProcessor(sorted(tokenizer.all_special_ids), "cpu")]
    )
    written = torch.tensor([prompt])
    cls, mask, sep = (torch.tensor([[id]]) for id in (tokenizer.cls_token_id, tokenizer.mask_token_id, tokenizer.sep_token_id))
    for _ in range(tokens):
        read = torch.cat([cls, written[:, -(window - MASKS - 2) :], *[mask] * MASKS, sep], dim=1)
        hidden = model.bert(input_ids=read).last_hidden_state
        scores = chain(written, model.cls(hidden[:, -MASKS - 1]))
        written = torch.cat([written, scores.argmax(dim=-1, keepdim=True)], dim=1)
    return written[0, len(prompt) :].tolist()


@torch.inference_mode()
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--prompt", type=lambda text: [int(id) for id in text.split(",")], required=True)
    parser.add_argument("--tokens", type=int, required=True)
    parser.add_argument("--window", type=int, required=True)
    parser.add_argument("--threads", type=int, required=True)
    arguments = parser.parse_args()

    torch.set_num_threads(arguments.threads)
    before = process_memory.resident()
    tokenizer = AutoTokenizer.from_pretrained(arguments.model)
    model = AutoModelForMaskedLM.from_pretrained(arguments.model, attn_implementation="sdpa").eval()
    # The first tokens fill memory and caches.
    generate(model, tokenizer, arguments.prompt, 3, arguments.window)
    start = time.perf_counter()
    tokens = generate(model, tokenizer, arguments.prompt, arguments.tokens, arguments.window)
    seconds = time.perf_counter() - start
    memory = {"resident_before": before, "peak": process_memory.peak()}
    print(json.dumps({"seconds": seconds, "tokens": tokens, "memory": memory}))


if __name__ == "__main__":
    main()
