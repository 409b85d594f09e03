"""Run by `make check`: python3 -m unittest discover -s tools/assets"""

import unittest

from convert import (
    NEGATIVE,
    POSITIVE,
    chinese_reviews,
    movie_snippets,
    novel,
    running_text,
    sentence_pairs,
    topics,
    without_repeats_and_conflicts,
    words_without_tags,
)


class WithoutRepeatsAndConflicts(unittest.TestCase):
    def test_keeps_the_first_of_equal_rows_in_order(self):
        result = without_repeats_and_conflicts([("b", POSITIVE), ("a", NEGATIVE), ("b", POSITIVE)])
        self.assertEqual(result.rows, [("b", POSITIVE), ("a", NEGATIVE)])
        self.assertEqual((result.read, result.different, result.conflicts), (3, 2, 0))

    def test_drops_every_row_of_a_text_with_two_labels(self):
        result = without_repeats_and_conflicts([("a", POSITIVE), ("b", POSITIVE), ("a", NEGATIVE), ("a", POSITIVE)])
        self.assertEqual(result.rows, [("b", POSITIVE)])
        self.assertEqual((result.read, result.different, result.conflicts), (4, 2, 1))


class ChineseReviews(unittest.TestCase):
    def test_reads_a_review_a_line_and_skips_empty_lines(self):
        result = chinese_reviews(positive="很好吃\n\n 送得快 \n", negative="太慢了\r\n")
        self.assertEqual(result.rows, [("很好吃", POSITIVE), ("送得快", POSITIVE), ("太慢了", NEGATIVE)])

    def test_only_a_newline_ends_a_review(self):
        result = chinese_reviews(positive="很\u2028好\x85吃", negative="")
        self.assertEqual(result.rows, [("很\u2028好\x85吃", POSITIVE)])


class MovieSnippets(unittest.TestCase):
    def test_positive_is_a_rating_above_zero(self):
        result = movie_snippets("1\t2.3\tA joy.\r\n2\t-0.6\tToo tepid\r\n3\t0\tEh.")
        self.assertEqual(result.rows, [("A joy.", POSITIVE), ("Too tepid", NEGATIVE), ("Eh.", NEGATIVE)])

    def test_names_the_line_that_is_not_three_fields(self):
        with self.assertRaisesRegex(ValueError, "^line 2: found 2 fields, wanted 3: id, rating, text$"):
            movie_snippets("1\t2.3\tA joy.\n2\tToo tepid")


class WordsWithoutTags(unittest.TestCase):
    def test_keeps_words_and_lines(self):
        self.assertEqual(words_without_tags("迈向/v  充满/v\r\n\n１/m  //w\n"), "迈向 充满\n１ /\n")

    def test_names_the_line_of_a_word_without_a_tag(self):
        with self.assertRaisesRegex(ValueError, "^line 2: found a word without a tag, wanted `word/tag`$"):
            words_without_tags("新/a\n年")


class RunningText(unittest.TestCase):
    def test_joins_the_words_of_a_paragraph_and_leaves_out_empty_lines(self):
        self.assertEqual(running_text("迈向/v  充满/v  希望/n\r\n\n１/m  月/n  //w\n"), "迈向充满希望\n１月/\n")


class Novel(unittest.TestCase):
    def test_a_paragraph_a_line_and_an_empty_line_between_chapters(self):
        chapters = ["CHAPTER 1. Loomings.\n\nCall me Ishmael.\n\n    Ho!    Ho!\n", "CHAPTER 2.\nI stuffed."]
        self.assertEqual(
            novel(chapters), "CHAPTER 1. Loomings.\nCall me Ishmael.\nHo! Ho!\n\nCHAPTER 2.\nI stuffed.\n"
        )


class Topics(unittest.TestCase):
    def test_labels_follow_from_tags_and_words_stay(self):
        rows = topics("１２月/t  江/nr  泽民/nr  在/p  北京/ns\n\n新/a  世纪/n\n新华社/nt  记者/n\n")
        self.assertEqual(
            rows,
            [
                {"text": "１２月江泽民在北京", "labels": ["person", "place", "time"]},
                {"text": "新世纪", "labels": []},
                {"text": "新华社记者", "labels": ["organization"]},
            ],
        )

    def test_equal_texts_are_one_row_and_none_if_their_labels_differ(self):
        rows = topics("新/a\n北京/ns\n新/a\n北京/n\n")
        self.assertEqual(rows, [{"text": "新", "labels": []}])


class SentencePairs(unittest.TestCase):
    def test_every_sentence_stands_in_one_row_and_half_of_them_are_moved(self):
        sentences = [f"这是第{number}句话" for number in range(16)]
        lines = [f"{a}/n 。/w {b}/n ！/w 余/n" for a, b in zip(sentences[::2], sentences[1::2])]
        rows = sentence_pairs("\n".join(lines))
        self.assertEqual([row["label"] for row in rows], ["1", "0"] * 4)
        self.assertEqual(rows[0], {"sentence1": "这是第0句话。", "sentence2": "这是第1句话！", "label": "1"})
        # The odd pairs are those of sentences 2, 6, 10, 14; each has the second of the one two further.
        self.assertEqual(rows[1]["sentence2"], "这是第11句话！")
        texts = [row[key] for row in rows for key in ("sentence1", "sentence2")]
        self.assertEqual(len(set(texts)), 16)

    def test_short_and_repeated_sentences_are_left_out(self):
        rows = sentence_pairs("好/a 。/w 这是很长的一句/n 。/w\n甲乙丙丁戊己/n 。/w 子丑寅卯辰巳/n 。/w\n甲乙丙丁戊己/n 。/w 另外的一句话/n 。/w")
        self.assertEqual(len(rows), 1)


if __name__ == "__main__":
    unittest.main()
