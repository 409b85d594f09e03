import json
import random
import tempfile
import unittest
from pathlib import Path

from batches import CLS, FIRST_WORD, MASK, SEP, mask, random_masked_batches, unmasked

VOCAB_SIZE = 30_522


class Mask(unittest.TestCase):
    def test_targets_bring_back_what_was_there(self):
        generator = random.Random(5)
        for length in (2, 3, 4, 17, 128):
            ids = [CLS, *(generator.randrange(FIRST_WORD, VOCAB_SIZE) for _ in range(length - 2)), SEP]
            masked, positions, targets = mask(ids, VOCAB_SIZE, generator)
            self.assertEqual(unmasked(masked, positions, targets), ids)
            self.assertEqual(positions, sorted(set(positions)))
            self.assertTrue(all(0 < position < length - 1 for position in positions))
            others = set(range(length)) - set(positions)
            self.assertTrue(all(masked[position] == ids[position] for position in others))

    def test_rate_and_shares_are_those_of_bert(self):
        ids = [CLS, *range(FIRST_WORD, FIRST_WORD + 20_000), SEP]
        masked, positions, targets = mask(ids, VOCAB_SIZE, random.Random(6))
        # Five standard errors: of 20,000 tokens, and of about 3,000 chosen ones.
        self.assertAlmostEqual(len(positions) / 20_000, 0.15, delta=0.0127)
        found = [masked[position] for position in positions]
        self.assertAlmostEqual(found.count(MASK) / len(found), 0.8, delta=0.037)
        kept = sum(one == target for one, target in zip(found, targets))
        self.assertAlmostEqual(kept / len(found), 0.1, delta=0.028)
        self.assertTrue(all(one == MASK or FIRST_WORD <= one < VOCAB_SIZE for one in found))


class RandomMaskedBatches(unittest.TestCase):
    def written(self, *arguments) -> list[dict]:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "batches.json"
            random_masked_batches(file, *arguments)
            return json.loads(file.read_text())["batches"]

    def test_rows_are_of_one_length_between_their_special_tokens(self):
        batches = self.written(3, 4, 24, VOCAB_SIZE)
        self.assertEqual(len(batches), 3)
        for batch in batches:
            self.assertEqual(set(batch), {"input_ids", "positions", "targets"})
            self.assertEqual({len(column) for column in batch.values()}, {4})
            for ids, positions, targets in zip(*batch.values()):
                self.assertEqual((len(ids), ids[0], ids[-1]), (24, CLS, SEP))
                self.assertEqual(len(positions), len(targets))

    def test_are_the_same_every_time_and_differ_from_one_another(self):
        first = self.written(2, 4, 24, VOCAB_SIZE)
        self.assertEqual(first, self.written(2, 4, 24, VOCAB_SIZE))
        self.assertNotEqual(first[0], first[1])

    def test_a_batch_without_targets_is_refused(self):
        with self.assertRaisesRegex(ValueError, "nothing is masked"):
            self.written(1, 1, 2, VOCAB_SIZE)


if __name__ == "__main__":
    unittest.main()
