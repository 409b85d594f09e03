"""Golden file of answers' metrics: what the evaluation scripts of SQuAD and CMRC 2018 compute.

    python tools/reference/answer_metrics_golden.py

writes crates/cloze-tasks/tests/golden/answer_metrics.json with

- `pairs`: two answers, and of each script exact match and F1 (`squad_f1`, with version 2.0's rule for answers
  of which nothing is left `squad_v2_f1`), and the parts that the script for Chinese makes of the first,
- `sets`: questions with the right answers, the predicted one and the difference of the score of no answer, and
  version 2.0's `exact`, `f1`, those of questions with and without an answer, and the best thresholds; where
  every question has an answer, version 1.1's `exact_match` and `f1` as well. Shares, not percentages.

The scripts are not part of a package. What they do is written down here anew, by their description: SQuAD's
in https://rajpurkar.github.io/SQuAD-explorer/, CMRC's in https://github.com/ymcui/cmrc2018. Words of other
scripts in Chinese answers are NLTK's (`word_tokenize` of one sentence).
"""

import json
import random
import re
import string
from collections import Counter
from pathlib import Path

from nltk.tokenize import NLTKWordTokenizer

FILE = Path(__file__).resolve().parents[2] / "crates/cloze-tasks/tests/golden/answer_metrics.json"
CMRC_PUNCTUATION = set("-:_*^/\\~`+=，。：？！“”；’《》·、「」（）－～『』")
ANSWERS = [
    "the Eiffel Tower", "Eiffel Tower, Paris", "an apple-a-day", "U.S.", "us", "", "the", "a an the", "¿Qué?",
    "北京", "北京市", "中华人民共和国", "《中华人民共和国宪法》", "共和国", "Windows 10于2015年", "windows10", "windows 10",
    "3.5%", "35%", "$1,000.50, or so", "he's the boss's son", "can't", "cannot stop... won't", "“引号”", "…省略", "省略",
    "a\u0301 la carte", "THÉ vert", "naïve_user", "１９９８年１月", "1998年1月", "中 国", "中国", "  spaces\tand\u00a0more ",
    "Dr. Smith (M.D.) said \"hello\" & left!", "'quoted' words", "d'ye gonna", "A–B—C", "x; y", "[b] {c} <d>", "😀 中国 ok.",
    "x\u001cy", "ПРИВЕТ мир", "İstanbul", "ΟΔΟΣ", "1,2,3", "end.", "end .", "e.g. this", "it''s", "北京、上海，广州", "广州上海北京",
]


def normalized(text: str) -> str:
    """SQuAD's: lower case, no ASCII punctuation, no articles, single spaces."""
    kept = "".join(character for character in text.lower() if character not in string.punctuation)
    return " ".join(re.sub(r"\b(a|an|the)\b", " ", kept).split())


def f1_of(same: int, predicted: int, gold: int) -> float:
    return 2 * same / (predicted + gold) if same else 0.0


def squad_f1(gold: str, predicted: str, version: int) -> float:
    gold_words, words = normalized(gold).split(), normalized(predicted).split()
    if version == 2 and not (gold_words and words):
        return float(gold_words == words)
    return f1_of(sum((Counter(gold_words) & Counter(words)).values()), len(words), len(gold_words))


def cmrc_parts(text: str) -> list[str]:
    """Chinese characters and words of other scripts."""
    parts, other = [], ""
    for character in text.lower().strip():
        if character in CMRC_PUNCTUATION:
            continue
        if "\u4e00" <= character <= "\u9fa5":
            parts += NLTKWordTokenizer().tokenize(other) + [character]
            other = ""
        else:
            other += character
    return parts + NLTKWordTokenizer().tokenize(other)


def cmrc_exact(gold: str, predicted: str) -> bool:
    def kept(text: str) -> str:
        return "".join(character for character in text.lower().strip() if character not in CMRC_PUNCTUATION)

    return kept(gold) == kept(predicted)


def cmrc_f1(gold: str, predicted: str) -> float:
    first, second = cmrc_parts(gold), cmrc_parts(predicted)
    runs = {tuple(first[a:b]) for a in range(len(first)) for b in range(a + 1, len(first) + 1)}
    lengths = [b - a for a in range(len(second)) for b in range(a + 1, len(second) + 1) if tuple(second[a:b]) in runs]
    return f1_of(max(lengths, default=0), len(second), len(first))


def pair(gold: str, predicted: str) -> dict:
    return {
        "gold": gold,
        "predicted": predicted,
        "squad_exact": normalized(gold) == normalized(predicted),
        "squad_f1": squad_f1(gold, predicted, 1),
        "squad_v2_f1": squad_f1(gold, predicted, 2),
        "cmrc_exact": cmrc_exact(gold, predicted),
        "cmrc_f1": cmrc_f1(gold, predicted),
        "cmrc_parts": cmrc_parts(gold),
    }


def mean(scores: list[float]) -> float:
    return sum(scores) / len(scores) if scores else 0.0


def best_threshold(rows: list[dict], scores: list[float]) -> list[float]:
    """The best mean, and the difference from which on no answer is given for it."""
    current = best = sum(not row["answers"] for row in rows)
    threshold = 0.0
    for row, score in sorted(zip(rows, scores), key=lambda item: item[0]["difference"]):
        if row["answers"]:
            current += score
        elif row["predicted"]:
            current -= 1
        if current > best:
            best, threshold = current, row["difference"]
    return [best / len(rows), threshold]


def question_set(rows: list[dict], threshold: float) -> dict:
    """The metrics of a set of questions; no answer is given above the threshold."""
    raw = {"exact": [], "f1": []}
    for row in rows:
        gold = [answer for answer in row["answers"] if normalized(answer)] or [""]
        raw["exact"].append(max(float(normalized(answer) == normalized(row["predicted"])) for answer in gold))
        raw["f1"].append(max(squad_f1(answer, row["predicted"], 2) for answer in gold))
    found: dict = {"threshold": threshold, "rows": rows}
    for name, scores in raw.items():
        kept = [
            float(not row["answers"]) if row["difference"] > threshold else score for row, score in zip(rows, scores)
        ]
        found[name] = mean(kept)
        found[f"{name}_with_answer"] = mean([score for score, row in zip(kept, rows) if row["answers"]])
        found[f"{name}_without"] = mean([score for score, row in zip(kept, rows) if not row["answers"]])
        found[f"best_{name}"] = best_threshold(rows, scores)
    if all(row["answers"] for row in rows):
        found["v1_exact_match"] = mean(
            [float(any(normalized(answer) == normalized(row["predicted"]) for answer in row["answers"])) for row in rows]
        )
        found["v1_f1"] = mean([max(squad_f1(answer, row["predicted"], 1) for answer in row["answers"]) for row in rows])
    return found


def drawn(seed: int, count: int, without: float, threshold: float) -> dict:
    """Random questions, some of them without an answer."""
    draw = random.Random(seed)
    rows = []
    for _ in range(count):
        answers = [] if draw.random() < without else draw.choices([text for text in ANSWERS if text], k=draw.randint(1, 3))
        predicted = draw.choice(answers or ANSWERS) if draw.random() < 0.7 else draw.choice(ANSWERS)
        if draw.random() < 0.4:
            predicted = predicted[: draw.randint(0, len(predicted))]
        rows.append({"answers": answers, "predicted": predicted, "difference": round(draw.gauss(0 if answers else 1, 2), 4)})
    return question_set(rows, threshold)


def main() -> None:
    draw = random.Random(1)
    pairs = [pair(one, other) for one in ANSWERS for other in draw.sample(ANSWERS, 5) + [one]]
    sets = [drawn(2, 60, 0.4, 0.0), drawn(3, 60, 0.4, -1.5), drawn(4, 30, 0.0, 100.0), drawn(5, 20, 1.0, 0.3)]
    if sets[0]["best_f1"] == sets[0]["best_exact"] or "v1_f1" not in sets[2]:
        raise AssertionError("the sets do not tell enough apart")
    if not any(one["squad_f1"] != one["squad_v2_f1"] for one in pairs):
        raise AssertionError("no pair tells the versions apart")
    if not any(0 < one["cmrc_f1"] < 1 and one["cmrc_f1"] != one["squad_f1"] for one in pairs):
        raise AssertionError("no pair tells the scripts apart")
    text = json.dumps({"pairs": pairs, "sets": sets}, ensure_ascii=False)
    FILE.write_text(text.replace('{"gold"', '\n{"gold"').replace('{"answers"', '\n{"answers"') + "\n", encoding="utf-8")
    print(f"{FILE.name}: {len(pairs)} pairs, {len(sets)} sets, {FILE.stat().st_size} bytes")


if __name__ == "__main__":
    main()
