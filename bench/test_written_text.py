"""Of texts whose numbers can be counted by hand."""

import unittest

from written_text import distinct, repeated, units


class WrittenText(unittest.TestCase):
    def test_units_are_characters_of_chinese_and_words_of_others(self) -> None:
        self.assertEqual(units("他说：OK, see you 1998年"), ["他", "说", "：", "OK", ",", "see", "you", "1998", "年"])

    def test_distinct_counts_over_all_texts(self) -> None:
        texts = [list("abab"), list("abc")]
        self.assertAlmostEqual(distinct(texts, 1), 3 / 7)
        # ab ba ab | ab bc
        self.assertAlmostEqual(distinct(texts, 2), 3 / 5)

    def test_repeated_counts_within_a_text(self) -> None:
        self.assertEqual(repeated([list("abcde"), list("abcde")]), 0.0)
        # abca bcab cabc abca bcab cabc: three of six
        self.assertAlmostEqual(repeated([list("abcabcabc")]), 0.5)
        self.assertEqual(repeated([list("ab")]), 0.0)


if __name__ == "__main__":
    unittest.main()
