"""The Parquet file that the reader's tests read, written by `datasets` as for the Hub.

    pip install datasets==5.2.0 pyarrow==26.0.1
    python tools/reference/parquet_fixture.py

writes crates/cloze-data/tests/fixtures/hub.parquet: class ids with names in the metadata (-1 where
there is no label), lists of class ids, the other types, nulls, two row groups, zstd; and
crates/cloze-data/tests/fixtures/types.parquet, by pyarrow alone: types that the Hub seldom has.
"""

import datetime
import decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from datasets import ClassLabel, Dataset, Features, List, Value

FOLDER = Path(__file__).resolve().parents[2] / "crates/cloze-data/tests/fixtures"


def hub() -> None:
    """What a data set of the Hub looks like."""
    features = Features(
        {
            "text": Value("string"),
            "label": ClassLabel(names=["negative", "neutral", "好评"]),
            "tags": List(ClassLabel(names=["O", "B-PER"])),
            "words": List(Value("string")),
            "stars": Value("int32"),
            "score": Value("float32"),
            "spam": Value("bool"),
            "source": {"site": Value("string"), "page": Value("int64")},
        }
    )
    columns = {
        "text": ["很好", "so so", "bad", "?", None],
        "label": [2, 1, 0, -1, 2],
        "tags": [[0, 1], [1], [], [0], None],
        "words": [["很", "好"], ["so", "so"], [], ["?"], None],
        "stars": [5, 3, 1, None, 4],
        "score": [0.5, 0.25, -1.0, None, 2.0],
        "spam": [False, False, True, None, True],
        "source": [{"site": "a", "page": 1}, {"site": "b", "page": None}, {"site": None, "page": 3}] + [None] * 2,
    }
    table = Dataset.from_dict(columns, features=features).with_format("arrow")[:]
    table = table.replace_schema_metadata(features.arrow_schema.metadata)
    pq.write_table(table, FOLDER / "hub.parquet", row_group_size=3, compression="zstd")


def types() -> None:
    """What else Parquet can hold."""
    day = datetime.datetime(2020, 1, 2, 3, 4, 5)
    table = pa.table(
        {
            "large": pa.array(["a", None], pa.large_string()),
            "category": pa.array(["x", "y"]).dictionary_encode(),
            "u64": pa.array([2**64 - 1, 7], pa.uint64()),
            "i8": pa.array([-8, 8], pa.int8()),
            "half": pa.array([0.5, 1.5], pa.float16()),
            "bytes": pa.array([b"\xff\x00", b"ok"], pa.binary()),
            "date": pa.array([day.date(), None]),
            "when": pa.array([day, None], pa.timestamp("ms")),
            "nanos": pa.array([day, None], pa.timestamp("ns")),
            "time": pa.array([datetime.time(1, 2, 3), None], pa.time64("us")),
            "money": pa.array([decimal.Decimal("1.50"), None], pa.decimal128(10, 2)),
            "map": pa.array([[("k", 1)], []], pa.map_(pa.string(), pa.int64())),
            "deep": pa.array([[[1, 2], []], None], pa.list_(pa.list_(pa.int64()))),
            "nothing": pa.nulls(2),
        }
    )
    pq.write_table(table, FOLDER / "types.parquet", compression="snappy")


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    hub()
    types()
