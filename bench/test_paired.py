"""Run by `make check`: python3 -m unittest discover -s bench"""

import unittest

from paired import F1, SHARE, Difference, accuracy, metric_difference, paired_difference


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


class MetricDifference(unittest.TestCase):
    def test_equal_systems_do_not_differ(self):
        rows = [(1.0, 2.0, 3.0), (0.0, 1.0, 0.0)]
        self.assertEqual(metric_difference([rows], [rows], F1, draws=10), Difference(0.0, 0.0))

    def test_f1_is_that_of_the_sums(self):
        # 1 of 3 found is right, and 3 were to be found: precision and recall are 1/3.
        self.assertAlmostEqual(F1.of([(1.0, 2.0, 3.0), (0.0, 1.0, 0.0)]), 1 / 3)
        self.assertEqual(F1.of([(0.0, 0.0, 0.0)]), 0.0)

    def test_of_accuracy_the_interval_is_near_that_of_the_rows_differences(self):
        first = [(float(row % 5 != 0), 1.0) for row in range(400)]
        second = [(float(row % 4 != 0), 1.0) for row in range(400)]
        found = metric_difference([first], [second], SHARE)
        labels = [["a" if right else "b" for right, _ in side] for side in (first, second)]
        wanted = paired_difference([labels[0]], [labels[1]], ["a"] * 400)
        self.assertAlmostEqual(found.mean, wanted.mean)
        self.assertAlmostEqual(found.half_width, wanted.half_width, delta=0.1 * wanted.half_width)


if __name__ == "__main__":
    unittest.main()
