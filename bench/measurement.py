"""Programs that are measured in turns, and what comes of it."""

import json
import os
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import median

MIB = 1 << 20
CLOZE = "cloze"


@dataclass
class Finished:
    """A program that ran to its end."""

    output: str
    """What it wrote to standard output."""
    elapsed: float
    """Seconds from its start to its end."""
    processor: float
    """Seconds of processor time of all its threads."""

    @property
    def json(self):
        """The output, of a program that prints one line of JSON."""
        return json.loads(self.output)


@dataclass
class Side:
    """One of the programs of a comparison: how it is started and what of it is compared."""

    command: list[str]
    figure: Callable[[Finished], float]
    """The compared number, in the unit of the comparison; less is better."""
    environment: dict[str, str] = field(default_factory=dict)
    reports_memory: bool = True
    """Whether its JSON has `memory`, with `resident_before` and `peak` in bytes."""
    before: Callable[[], None] = lambda: None
    """What is done before each turn and not timed."""
    turns: int | None = None
    """The most turns that it takes, if fewer than the others."""
    note: str = ""
    """What a reader of the table has to know."""


@dataclass
class Comparison:
    """cloze beside its peers at one piece of work."""

    title: str
    unit: str
    sides: dict[str, Side]
    """`cloze`, then its peers."""
    check: Callable[[dict[str, Finished]], float | None] = lambda finished: None
    """Given what each side printed in its first turn: the largest difference between their results,
    or a `Disagreement`."""
    companions: dict[str, Side] = field(default_factory=dict)
    """Further programs that take their turns with the sides, but are no peers."""
    facts: Callable[[dict[str, list["Turn"]]], dict] = lambda turns: {}
    """More numbers that follow from all turns."""


@dataclass
class Turn:
    """One run of one side."""

    figure: float
    finished: Finished
    memory: float | None
    """MiB at the peak, less those before the model was loaded."""


class Disagreement(Exception):
    """Both sides ran, and their results are not the same."""


def run(command: list[str], environment: dict[str, str]) -> Finished:
    """Run a program to its end; its standard error is shown only if it fails."""
    start = time.perf_counter()
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, **environment}
    )
    output, errors = process.communicate()
    elapsed = time.perf_counter() - start
    if process.returncode != 0:
        raise SystemExit(f"{' '.join(command)}\nended with status {process.returncode}:\n{errors.decode()}")
    return Finished(output.decode(), elapsed, 0.0)


def children_processor_seconds() -> float:
    """Processor time of all programs that have ended so far."""
    times = os.times()
    return times.children_user + times.children_system


def take_turn(side: Side, environment: dict[str, str]) -> Turn:
    """Run one side once."""
    side.before()
    processor = children_processor_seconds()
    finished = run(side.command, {**environment, **side.environment})
    finished.processor = children_processor_seconds() - processor
    memory = None
    if side.reports_memory:
        stated = finished.json["memory"]
        memory = (stated["peak"] - stated["resident_before"]) / MIB
    return Turn(side.figure(finished), finished, memory)


def take_turns(
    comparison: Comparison, rounds: int, environment: dict[str, str], report: Callable[[dict], None]
) -> dict[str, list[Turn]]:
    """Run all sides `rounds` times, in turns; who goes first changes, so that a machine that gets
    slower harms all. Results are compared after the first round."""
    everyone = {**comparison.sides, **comparison.companions}
    turns: dict[str, list[Turn]] = {name: [] for name in everyone}
    for number in range(rounds):
        order = list(everyone) if number % 2 == 0 else list(everyone)[::-1]
        for name in order:
            side = everyone[name]
            if side.turns is not None and number >= side.turns:
                continue
            turn = take_turn(side, environment)
            turns[name].append(turn)
            report(
                {
                    "measured": comparison.title,
                    "side": name,
                    "turn": number + 1,
                    "figure": turn.figure,
                    "unit": comparison.unit,
                    "memory_mib": turn.memory and round(turn.memory, 1),
                    "elapsed_seconds": round(turn.finished.elapsed, 3),
                    "processor_seconds": round(turn.finished.processor, 3),
                }
            )
        if number == 0:
            difference = comparison.check({name: taken[0].finished for name, taken in turns.items()})
            if difference is not None:
                report({"measured": comparison.title, "largest_difference_of_results": difference})
    facts = comparison.facts(turns)
    if facts:
        report({"measured": comparison.title, **facts})
    return turns


@dataclass
class Row:
    """A line of the table: cloze beside one peer."""

    title: str
    unit: str
    peer: str
    cloze_figure: float
    peer_figure: float
    ratio: float
    """Median of the peer's turns over median of cloze's: above 1, cloze is faster."""
    lowest: float
    highest: float
    """Of the ratios turn by turn."""
    turns: int
    cloze_memory: float | None
    peer_memory: float | None
    note: str


def rows(comparison: Comparison, turns: dict[str, list[Turn]]) -> list[Row]:
    """A line for each peer."""
    cloze = turns[CLOZE]
    found = []
    for peer, side in comparison.sides.items():
        if peer == CLOZE:
            continue
        ratios = [theirs.figure / ours.figure for ours, theirs in zip(cloze, turns[peer])]
        cloze_figure, peer_figure = (median(turn.figure for turn in taken) for taken in (cloze, turns[peer]))
        found.append(
            Row(
                comparison.title,
                comparison.unit,
                peer,
                cloze_figure,
                peer_figure,
                peer_figure / cloze_figure,
                min(ratios),
                max(ratios),
                len(ratios),
                median_memory(cloze),
                median_memory(turns[peer]),
                side.note,
            )
        )
    return found


def median_memory(turns: list[Turn]) -> float | None:
    """Of all turns, if they have it."""
    known = [turn.memory for turn in turns if turn.memory is not None]
    return median(known) if known else None


def table(found: list[Row]) -> str:
    """Markdown, with the notes below."""
    lines = [
        "| work | unit | peer | cloze | peer | peer / cloze | turn by turn | turns | MiB, cloze | MiB, peer |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    notes: list[str] = []
    for row in found:
        mark = ""
        if row.note:
            if row.note not in notes:
                notes.append(row.note)
            mark = f" ({notes.index(row.note) + 1})"
        cells = [
            row.title,
            row.unit,
            row.peer + mark,
            significant(row.cloze_figure),
            significant(row.peer_figure),
            f"**{row.ratio:.2f}**",
            f"{row.lowest:.2f}–{row.highest:.2f}",
            str(row.turns),
            *("–" if memory is None else f"{memory:,.0f}" for memory in (row.cloze_memory, row.peer_memory)),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    lines += ["", *(f"({number}) {note}" for number, note in enumerate(notes, start=1))]
    return "\n".join(lines).rstrip() + "\n"


def significant(figure: float) -> str:
    """Three digits that count, without an exponent."""
    if figure >= 100:
        return f"{figure:,.0f}"
    digits = 2
    while figure and figure * 10 ** (digits - 2) < 1:
        digits += 1
    return f"{figure:.{digits if figure < 10 else 1}f}"
