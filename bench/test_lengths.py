import unittest
from statistics import mean, median

from lengths import length_grouped, length_stratified, shuffled


class LengthStratified(unittest.TestCase):
    def test_one_row_of_each_part(self):
        # Two parts by length: rows 1 and 3, rows 0 and 2.
        drawn = length_stratified([30, 1, 40, 2], 2)
        self.assertEqual(len(set(drawn) & {1, 3}), 1)
        self.assertEqual(len(set(drawn) & {0, 2}), 1)
        self.assertEqual(drawn, sorted(drawn))

    def test_the_sample_is_like_the_whole(self):
        lengths = [1 + (row * row) % 499 for row in range(17_363)]
        sample = [lengths[row] for row in length_stratified(lengths, 480)]
        self.assertAlmostEqual(mean(sample), mean(lengths), delta=1)
        self.assertAlmostEqual(median(sample), median(lengths), delta=2)

    def test_is_the_same_every_time(self):
        lengths = list(range(100))
        self.assertEqual(length_stratified(lengths, 7), length_stratified(lengths, 7))
        self.assertNotEqual(length_stratified(lengths, 7), length_stratified(lengths, 7, seed=2))

    def test_all_rows_are_a_sample_and_more_are_not(self):
        self.assertEqual(length_stratified([5, 5, 5], 3), [0, 1, 2])
        with self.assertRaises(ValueError):
            length_stratified([5, 5, 5], 4)


class LengthGrouped(unittest.TestCase):
    def test_every_row_once_and_the_longest_first(self):
        lengths = shuffled(480)
        order = length_grouped(lengths, 16)
        self.assertEqual(sorted(order), list(range(480)))
        self.assertEqual(lengths[order[0]], 479)

    def test_a_batch_holds_rows_of_similar_length(self):
        lengths = shuffled(480)
        order = length_grouped(lengths, 16)
        # Groups of 112 rows: a batch of 16 spans about a seventh of all lengths.
        spans = []
        for start in range(16, 480, 16):
            batch = [lengths[row] for row in order[start : start + 16]]
            spans.append(max(batch) - min(batch))
        self.assertLess(median(spans), 120)

    def test_a_sample_is_grouped_like_the_rows_it_was_drawn_from(self):
        lengths = shuffled(480)
        order = length_grouped(lengths, 16, data_set=17_363)
        # 50 batches to a group: the whole sample is one.
        self.assertEqual([lengths[row] for row in order], list(range(480))[::-1])

    def test_a_few_rows_are_one_group(self):
        self.assertEqual(length_grouped([3, 9, 5], 2), [1, 2, 0])


if __name__ == "__main__":
    unittest.main()
