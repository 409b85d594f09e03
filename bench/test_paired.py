"""Run by `make check`: python3 -m unittest discover -s bench"""

import unittest

from paired import Difference, accuracy, paired_difference


class PairedDifference(unittest.TestCase):
    def test_equal_predictions_do_not_differ(self):
        found = paired_difference([["a", "b"]], [["a", "b"]], ["a", "a"])
        self.assertEqual(found, Difference(0.0, 0.0))
        self.assertTrue(found.contains_zero)

    def test_the_interval_is_that_of_the_rows_differences(self):
        # Differences a row: 1, 0, 0, -1, 1: mean 0.2, variance 0.7, so 1.96 * sqrt(0.7 / 5).
        targets = ["a"] * 5
        found = paired_difference([["a", "a", "b", "b", "a"]], [["b", "a", "b", "a", "b"]], targets)
        self.assertAlmostEqual(found.mean, 0.2)
        self.assertAlmostEqual(found.half_width, 0.7333648, places=6)

    def test_seeds_are_averaged_row_by_row(self):
        found = paired_difference([["a", "a"], ["b", "a"]], [["b", "a"], ["b", "a"]], ["a", "a"])
        self.assertAlmostEqual(found.mean, 0.25)

    def test_a_clear_difference_leaves_zero_outside(self):
        targets = ["a"] * 100
        found = paired_difference([["a"] * 100], [["a"] * 80 + ["b"] * 20], targets)
        self.assertFalse(found.contains_zero)


class Accuracy(unittest.TestCase):
    def test_is_the_share_of_right_predictions(self):
        self.assertEqual(accuracy(["a", "b", "a", "a"], ["a", "a", "a", "b"]), 0.5)


if __name__ == "__main__":
    unittest.main()
