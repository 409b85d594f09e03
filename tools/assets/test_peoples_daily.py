"""Run by `make check`: python3 -m unittest discover -s tools/assets"""

import unittest

from peoples_daily import all_sentences, character_tags, conll, names, sentences, word_slash_tag, words_of


def joined(run: str) -> list[str]:
    return ["".join(name) for name in names(run.split())]


class Names(unittest.TestCase):
    def test_a_family_name_and_a_given_name_are_one_name(self):
        self.assertEqual(joined("江 泽民"), ["江泽民"])
        self.assertEqual(joined("欧阳 修"), ["欧阳修"])

    def test_several_people_side_by_side_are_several_names(self):
        self.assertEqual(joined("江 泽民 李 鹏 乔 石 尉 健行"), ["江泽民", "李鹏", "乔石", "尉健行"])
        self.assertEqual(joined("欧阳 修 司马 迁"), ["欧阳修", "司马迁"])

    def test_a_name_without_a_family_name_is_a_name_by_itself(self):
        self.assertEqual(joined("柴可夫斯基"), ["柴可夫斯基"])
        self.assertEqual(joined("马克思 恩格斯"), ["马克思", "恩格斯"])
        self.assertEqual(joined("剑武 安 远远"), ["剑武", "安远远"])
        self.assertEqual(joined("焦 秋生 银春"), ["焦秋生", "银春"])

    def test_both_family_names_of_a_married_woman_are_one_name(self):
        self.assertEqual(joined("陈 方 安生"), ["陈方安生"])

    def test_a_family_name_alone_is_a_name(self):
        self.assertEqual(joined("江"), ["江"])
        self.assertEqual(joined("江 泽民 李"), ["江泽民", "李"])


class Conversion(unittest.TestCase):
    def test_characters_have_bio_tags(self):
        words = words_of("主席/n  江/nr  泽民/nr  李/nr  鹏/nr  访问/v  北京/ns", 1)
        self.assertEqual(
            " ".join(f"{character}{tag}" for character, tag in character_tags(words)),
            "主O 席O 江B-PER 泽I-PER 民I-PER 李B-PER 鹏I-PER 访O 问O 北B-LOC 京I-LOC",
        )

    def test_lines_are_cut_behind_sentences_with_what_closes_them(self):
        words = words_of("他/r 说/v “/w 好/a 。/w ”/w 走/v 了/u 。/w", 1)
        self.assertEqual(["".join(word for word, _ in part) for part in sentences(words)], ["他说“好。”", "走了。"])

    def test_a_sentence_is_kept_once(self):
        corpus = all_sentences("好/a 。/w 走/v 。/w\n\n好/a 。/w\n")
        self.assertEqual(word_slash_tag(corpus), "好/a 。/w\n走/v 。/w\n")
        self.assertEqual(conll(corpus), "好\tO\n。\tO\n\n走\tO\n。\tO\n")

    def test_rare_tags_are_those_of_the_word_class(self):
        self.assertEqual(words_of("甲/Mg 乙/vvn", 1), [("甲", "m"), ("乙", "vn")])

    def test_names_the_line_of_a_word_without_a_tag(self):
        with self.assertRaisesRegex(ValueError, "^line 7: found '年', wanted `word/tag`$"):
            words_of("新/a 年", 7)


if __name__ == "__main__":
    unittest.main()
