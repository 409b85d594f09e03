"""Run by `make check`: python3 -m unittest discover -s tools/assets"""

import unittest

from peoples_daily import words_of
from questions import paragraph, questions

NAMED = "江/nr 泽民/nr 主席/n 在/p 北京/ns 会见/v 了/u 来访/v 的/u 外国/n 客人/n 。/w"
ABOUT = "昨天/t 下午/t ，/w 江/nr 泽民/nr 先生/n 向/p 客人/n 介绍/v 了/u 上海/ns 的/u 建设/vn 情况/n ，/w 时间/n 很/d 长/a ，/w 大家/r 都/d 很/d 高兴/a 。/w"
OTHER = "来自/v 广州/ns 的/u 记者/n 李/nr 鹏飞/nr 作/v 了/u 这/r 一/m 报道/n ，/w 大家/r 认为/v 写/v 得/u 很/d 好/a ，/w 也/d 很/d 及时/a ，/w 读者/n 喜欢/v 。/w"


class Questions(unittest.TestCase):
    def test_the_context_is_the_rest_of_the_paragraph_and_has_the_name(self):
        [(context, question)] = paragraph(words_of(f"{NAMED} {ABOUT}", 1))
        self.assertEqual(question.text, "____主席在北京会见了来访的外国客人。")
        self.assertEqual(question.answers, [("江泽民", 5)])
        self.assertTrue(context.startswith("昨天下午，江泽民"))
        self.assertNotIn("会见了来访", context)
        # The second sentence gives none: what is left of the paragraph is too short.

    def test_a_name_that_stands_nowhere_else_is_a_question_without_answer(self):
        found = paragraph(words_of(f"{NAMED} {OTHER}", 1))
        self.assertEqual([question.answers for _, question in found], [[]])
        self.assertEqual(found[0][1].text, "____主席在北京会见了来访的外国客人。")
        # Without another person or place in the context it is none at all.
        plain = OTHER.replace("李/nr 鹏飞/nr", "他/r").replace("广州/ns", "那里/r")
        self.assertEqual(paragraph(words_of(f"{NAMED} {plain}", 1)), [])

    def test_every_time_that_the_name_stands_there_is_an_answer(self):
        twice = ABOUT.replace("大家/r", "江/nr 泽民/nr")
        [(context, question), *_] = paragraph(words_of(f"{NAMED} {twice}", 1))
        self.assertEqual(question.answers, [("江泽民", 5), ("江泽民", context.rindex("江泽民"))])

    def test_a_file_of_squad_has_an_article_for_each_paragraph_and_no_paragraph_twice(self):
        corpus = f"{NAMED} {ABOUT}\n{NAMED} {ABOUT}\n\n{NAMED} {OTHER}\n"
        squad = questions(corpus)
        self.assertEqual([article["title"] for article in squad["data"]], ["line 1", "line 4"])
        rows = [paragraph["qas"][0] for article in squad["data"] for paragraph in article["paragraphs"]]
        self.assertEqual(rows[0]["id"], "1-1")
        self.assertEqual(rows[0]["answers"], [{"text": "江泽民", "answer_start": 5}])
        self.assertEqual(rows[-1]["is_impossible"], True)
        for article in squad["data"]:
            for part in article["paragraphs"]:
                for answer in part["qas"][0]["answers"]:
                    self.assertTrue(part["context"][answer["answer_start"] :].startswith(answer["text"]))


if __name__ == "__main__":
    unittest.main()
