import json
import sys
import unittest

from agreement import agree
from measurement import Comparison, Disagreement, Finished, Side, Turn, rows, significant, table, take_turns


def printing(output: dict, **more) -> Side:
    """A side that prints one line of JSON and is measured by its `seconds`."""
    command = [sys.executable, "-c", f"print({json.dumps(json.dumps(output))})"]
    return Side(command, lambda finished: finished.json["seconds"], **more)


def turn(figure: float, memory: float | None = None) -> Turn:
    return Turn(figure, Finished("", 0.0, 0.0), memory)


class TakeTurns(unittest.TestCase):
    MEMORY = {"resident_before": 1 << 20, "peak": 5 << 20}

    def test_sides_alternate_and_some_take_fewer_turns(self):
        sides = {
            "cloze": printing({"seconds": 1.0, "memory": self.MEMORY}),
            "peer": printing({"seconds": 2.0}, reports_memory=False),
            "slow": printing({"seconds": 9.0}, reports_memory=False, turns=1),
        }
        lines = []
        turns = take_turns(Comparison("work", "s", sides), 3, {}, lines.append)
        self.assertEqual(
            [line["side"] for line in lines], ["cloze", "peer", "slow", "peer", "cloze", "cloze", "peer"]
        )
        self.assertEqual([len(taken) for taken in turns.values()], [3, 3, 1])
        self.assertEqual(turns["cloze"][0].memory, 4.0)
        self.assertEqual([row.ratio for row in rows(Comparison("work", "s", sides), turns)], [2.0, 9.0])

    def test_what_disagrees_stops_after_the_first_round(self):
        def check(finished):
            return agree("losses", finished["cloze"].json["losses"], finished["peer"].json["losses"], 1e-3)

        sides = {
            "cloze": printing({"seconds": 1.0, "losses": [0.5]}, reports_memory=False),
            "peer": printing({"seconds": 1.0, "losses": [0.6]}, reports_memory=False),
        }
        lines = []
        with self.assertRaises(Disagreement):
            take_turns(Comparison("work", "s", sides, check), 3, {}, lines.append)
        self.assertEqual(len(lines), 2)

    def test_a_program_that_fails_ends_everything_with_its_words(self):
        side = Side([sys.executable, "-c", "raise SystemExit('no model')"], lambda finished: 0.0)
        with self.assertRaisesRegex(SystemExit, "(?s)status 1.*no model"):
            take_turns(Comparison("work", "s", {"cloze": side}), 1, {}, lambda line: None)


class Table(unittest.TestCase):
    def test_ratio_of_medians_and_the_spread_of_single_turns(self):
        sides = {"cloze": printing({}), "peer": printing({}, note="on a part")}
        turns = {
            "cloze": [turn(1.0, 100.0), turn(2.0, 120.0), turn(4.0, 110.0)],
            "peer": [turn(3.0), turn(5.0), turn(4.0)],
        }
        found = rows(Comparison("work", "s", sides), turns)
        self.assertEqual((found[0].ratio, found[0].lowest, found[0].highest), (2.0, 1.0, 3.0))
        text = table(found)
        self.assertIn("| work | s | peer (1) | 2.00 | 4.00 | **2.00** | 1.00–3.00 | 3 | 110 | – |", text)
        self.assertTrue(text.endswith("\n(1) on a part\n"))

    def test_three_digits(self):
        found = [significant(figure) for figure in (1234.5, 56.78, 5.678, 0.05678, 0.0)]
        self.assertEqual(found, ["1,234", "56.8", "5.68", "0.0568", "0.00"])


class Agree(unittest.TestCase):
    def test_the_largest_difference_is_returned(self):
        self.assertAlmostEqual(agree("logits", [[1.0, 2.0], [3.0]], [[1.0, 2.5], [3.25]], 0.5), 0.5)

    def test_what_is_no_number_or_has_another_length_disagrees(self):
        for theirs in ([1.0, float("nan")], [1.0], [1.0, 2.1], [1.0, [2.0]]):
            with self.assertRaises(Disagreement, msg=theirs):
                agree("logits", [1.0, 2.0], theirs, 1e-3)


if __name__ == "__main__":
    unittest.main()
