"""Golden file of TensorBoard's events.

    python tools/reference/tensorboard_events.py

writes crates/cloze-train/tests/golden/tensorboard.bin with the classes of the package `tensorboard`
(2.21), which is in no other script's requirements, and reads it back with them.

    python tools/reference/tensorboard_events.py RUN/tensorboard

prints the scalars of a run as TensorBoard reads them.
"""

import sys
from pathlib import Path

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.record_writer import RecordWriter

FILE = Path(__file__).resolve().parents[2] / "crates/cloze-train/tests/golden/tensorboard.bin"


def scalars(wall_time: float, step: int, values: list[tuple[str, float]]) -> Event:
    values = [Summary.Value(tag=tag, simple_value=value) for tag, value in values]
    return Event(wall_time=wall_time, step=step, summary=Summary(value=values))


def write() -> None:
    events = [
        Event(wall_time=1000.5, file_version="brain.Event:2"),
        scalars(1001.5, 0, [("validation/loss", 0.75)]),
        scalars(1002.5, 1, [
            ("train/loss", 0.5),
            ("train/masked_loss", 0.25),
            ("train/learning_rate", 2e-5),
            ("train/gradient_norm", 1.5),
            ("train/tokens_per_second", 1200.0),
        ]),
        scalars(1004.5, 300, [
            ("train/epoch_loss", 0.0),
            ("validation/accuracy", 0.9),
            ("validation/loss", -0.125),
        ]),
    ]
    with FILE.open("wb") as file:
        writer = RecordWriter(file)
        for event in events:
            writer.write(event.SerializeToString())
        writer.flush()
    print(f"{FILE.name}: {len(events)} events")


def show(folder: str) -> None:
    accumulator = EventAccumulator(folder, size_guidance={"scalars": 0})
    accumulator.Reload()
    for tag in accumulator.Tags()["scalars"]:
        for point in accumulator.Scalars(tag):
            print(tag, point.step, point.value)


if __name__ == "__main__":
    show(sys.argv[1]) if len(sys.argv) > 1 else write()
