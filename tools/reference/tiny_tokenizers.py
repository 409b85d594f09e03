"""Small tokenizers of RoBERTa's and of XLM-RoBERTa's kind.

The byte-level BPE is trained here, on the sentences of `sentencepiece_fixture.py`; the unigram model is the
one that that script has written.
"""

import json
from pathlib import Path

from tokenizers import AddedToken, Tokenizer
from tokenizers.models import BPE
from tokenizers.pre_tokenizers import ByteLevel
from tokenizers.trainers import BpeTrainer
from transformers import AutoTokenizer, PreTrainedTokenizerBase, RobertaTokenizer

UNIGRAM = Path(__file__).resolve().parents[2] / "crates/cloze-data/tests/fixtures/unigram"
SENTENCES = [
    "The capital of France is Paris, the capital of Germany is Berlin.",
    "the cat sat on the mat and the dog walked to the film",
    "I love it, she loves it, we don't love the very bad story!",
    "He isn't playing; they're walking in London, undoing what was done in 2023.",
    "EU rejects German call to boycott British lamb.",
    "Hello, world! It's a well-known fact: 3.14159 isn't 22/7.",
    "我爱中国，天气真好。今天我们看电影。",
    "新冠病毒是一种新型冠状病毒，自然语言处理是人工智能的重要领域。",
    "naïve café, Ångström, straße; emoji 😀 ❤️",
]
VOCABULARY = 400


def byte_level(add_prefix_space: bool = False, max_length: int = 22) -> RobertaTokenizer:
    """Byte-level BPE with RoBERTa's special tokens and their ids; `<mask>` is the last one."""
    trained = Tokenizer(BPE())
    trained.pre_tokenizer = ByteLevel(add_prefix_space=False)
    trainer = BpeTrainer(
        vocab_size=VOCABULARY - 1,
        special_tokens=["<s>", "<pad>", "</s>", "<unk>"],
        initial_alphabet=sorted(ByteLevel.alphabet()),
        show_progress=False,
    )
    trained.train_from_iterator(SENTENCES * 3, trainer)
    model = json.loads(trained.to_str())["model"]
    vocabulary = model["vocab"] | {"<mask>": len(model["vocab"])}
    return RobertaTokenizer(
        vocab=vocabulary,
        merges=[tuple(merge) for merge in model["merges"]],
        mask_token=AddedToken("<mask>", lstrip=True, special=True, normalized=False),
        add_prefix_space=add_prefix_space,
        model_max_length=max_length,
    )


def unigram(max_length: int = 22) -> PreTrainedTokenizerBase:
    """A SentencePiece unigram model with XLM-RoBERTa's special tokens and their ids."""
    return AutoTokenizer.from_pretrained(UNIGRAM, tokenizer_type="xlm-roberta", model_max_length=max_length)
