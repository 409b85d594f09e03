import contextlib
import csv
import io
import json
import tempfile
import unittest
from pathlib import Path

import assets
from assets import STAMP, files_and_sizes, fingerprint, is_complete, write_csv
from convert import LabelledRows
from packages import AssetError


class InFolder(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = Path(temporary.name)


class WriteCsv(InFolder):
    def test_quotes_what_needs_it_and_reads_back_the_same(self):
        rows = [('Long, and "loud".', "positive"), ("平淡", "negative")]
        file = self.folder / "rows.csv"
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            write_csv(file, LabelledRows(rows, read=5, different=3, conflicts=1), (5, 3, 1))
        with file.open(encoding="utf-8", newline="") as content:
            self.assertEqual(list(csv.reader(content)), [["text", "label"], *map(list, rows)])
        self.assertEqual(
            printed.getvalue(),
            "rows.csv: 2 rows kept; 5 read, 3 different texts, 1 of them with both labels\n",
        )

    def test_stops_when_the_counts_are_not_the_known_ones(self):
        with self.assertRaisesRegex(AssetError, r"^rows.csv: found \(1, 1, 0\), wanted \(2, 1, 0\)"):
            write_csv(self.folder / "rows.csv", LabelledRows([("a", "b")], 1, 1, 0), (2, 1, 0))
        self.assertFalse((self.folder / "rows.csv").exists())


class IsComplete(InFolder):
    def setUp(self):
        super().setUp()
        (self.folder / "data").mkdir()
        (self.folder / "data/rows.csv").write_text("text,label\n")
        self.stamp(fingerprint())

    def stamp(self, made_by: str):
        content = {"fingerprint": made_by, "files": files_and_sizes(self.folder)}
        (self.folder / STAMP).write_text(json.dumps(content))

    def test_true_after_a_whole_run(self):
        self.assertEqual(files_and_sizes(self.folder), {"data/rows.csv": 11})
        self.assertTrue(is_complete(self.folder))

    def test_false_without_a_stamp_or_with_another_version_s(self):
        (self.folder / STAMP).unlink()
        self.assertFalse(is_complete(self.folder))
        self.stamp("of an older script")
        self.assertFalse(is_complete(self.folder))

    def test_false_when_a_file_is_missing_or_cut(self):
        (self.folder / "data/rows.csv").write_text("text")
        self.assertFalse(is_complete(self.folder))
        (self.folder / "data/rows.csv").unlink()
        self.assertFalse(is_complete(self.folder))


class Main(unittest.TestCase):
    def test_usage_is_exit_status_2(self):
        with contextlib.redirect_stderr(io.StringIO()) as printed:
            self.assertEqual(assets.main([]), 2)
        self.assertEqual(printed.getvalue(), "usage: python3 tools/assets/assets.py FOLDER\n")


if __name__ == "__main__":
    unittest.main()
