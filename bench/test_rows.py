import tempfile
import unittest
from pathlib import Path

from rows import read_rows, read_splits, read_test_predictions


class Rows(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = Path(temporary.name)

    def test_reads_the_named_columns_with_newlines_inside_quotes(self):
        file = self.folder / "rows.csv"
        file.write_text('id,review,label\n1,"two\nlines, one row",good\n2,平淡,bad\n', encoding="utf-8")
        self.assertEqual(read_rows(file, text="review"), (["two\nlines, one row", "平淡"], ["good", "bad"]))

    def test_reads_what_cloze_leaves_in_a_run_folder(self):
        (self.folder / "splits.json").write_text('{"train": [0, 3], "validation": [2], "test": [1, 4]}')
        self.assertEqual(read_splits(self.folder)["test"], [1, 4])
        lines = [
            '{"row": 4, "label": "bad", "predicted": "bad", "scores": {"good": 0.1, "bad": 0.9}}',
            '{"row": 1, "label": "bad", "predicted": "good", "scores": {"good": 0.6, "bad": 0.4}}',
        ]
        (self.folder / "predictions-test.jsonl").write_text("\n".join(lines) + "\n")
        self.assertEqual(read_test_predictions(self.folder), ["good", "bad"])


if __name__ == "__main__":
    unittest.main()
