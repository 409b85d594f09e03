"""Speed and memory of cloze beside PyTorch, `transformers` and ONNX Runtime, measured in turns.

    .venv/bin/python bench/speed.py --programs target/release --case training-step

`bench/cases` says what is measured. Both sides use the same number of threads, weights and inputs,
compute in f32, and take turns in processes of their own; what they compute is compared, and a
difference ends the measurement. Prints one line of JSON a measurement, and at the end a table with
the ratios of the medians: above 1, cloze is faster.
"""

import argparse
import contextlib
import json
import tempfile
import time
from pathlib import Path

import machine
from cases import CASES
from measurement import Disagreement, Row, rows, table, take_turns
from settings import Settings


def report(line: dict) -> None:
    """Print a line of JSON at once."""
    print(json.dumps(line, ensure_ascii=False), flush=True)


def measure(settings: Settings, names: list[str], rounds: int | None) -> list[Row]:
    """All comparisons of the named cases."""
    found: list[Row] = []
    for name in names:
        case, start = CASES[name], time.perf_counter()
        count = 1 if settings.quick else rounds or case.ROUNDS
        try:
            for comparison in case.prepare(settings):
                turns = take_turns(comparison, count, settings.environment, settings.report)
                found += rows(comparison, turns)
        except Disagreement as disagreement:
            raise SystemExit(f"{name}: cloze and its peer disagree: {disagreement}") from disagreement
        report({"case": name, "seconds": round(time.perf_counter() - start), "load": machine.load()})
    return found


def arguments() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--programs", type=Path, default=Path("target/release"), help="folder of the release build")
    parser.add_argument("--case", nargs="+", choices=list(CASES), default=list(CASES), help="default: all")
    parser.add_argument("--rounds", type=int, help="turns of each side [default: the case's own, 3 to 9]")
    parser.add_argument("--threads", type=int, default=2, help="of each side [default: 2]")
    parser.add_argument("--texts", type=int, default=2000, help="of review-stream [default: 2000]")
    parser.add_argument("--sample", type=int, default=480, help="reviews that are trained on [default: 480]")
    parser.add_argument("--quick", action="store_true", help="small sizes, one turn: does it run and agree?")
    parser.add_argument("--folder", type=Path, help="keep models and batches there [default: a temporary one]")
    return parser.parse_args()


def main() -> None:
    given = arguments()
    with contextlib.ExitStack() as stack:
        folder = given.folder or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        folder.mkdir(parents=True, exist_ok=True)
        settings = Settings(
            given.programs.resolve(), given.threads, given.quick, given.texts, given.sample, folder.resolve(), report
        )
        report({"machine": machine.facts(settings.programs / "cloze"), "threads": given.threads})
        found = measure(settings, given.case, given.rounds)
    print(f"\n{table(found)}", end="")


if __name__ == "__main__":
    main()
