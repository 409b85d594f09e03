import unittest

from flops import encoder_forward, peak, training_step

BASE = {"hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12}


class EncoderForward(unittest.TestCase):
    def test_a_layers_matrices_and_its_attention(self):
        # BERT-base: 84,934,656 weights in the matrices of its layers (28,311,552 and 56,623,104).
        linear = 2 * 2048 * 84_934_656
        attention = 12 * 16 * 2 * (2 * 128 * 768 * 128)
        self.assertEqual(encoder_forward(BASE, [128] * 16), linear + attention)

    def test_lengths_count_without_padding(self):
        alone = encoder_forward(BASE, [7]) + encoder_forward(BASE, [100])
        self.assertEqual(encoder_forward(BASE, [7, 100]), alone)

    def test_a_training_step_is_three_passes(self):
        self.assertEqual(training_step(BASE, [5]), 3 * encoder_forward(BASE, [5]))


class Peak(unittest.TestCase):
    def test_products_weigh_by_their_operations(self):
        # 2,000 operations in 1 s and 6,000 in 2 s.
        products = [
            {"layer": [10, 10, 10], "seconds": [5.0, 1.0]},
            {"layer": [10, 10, 30], "seconds": [2.0, 2.5]},
        ]
        self.assertAlmostEqual(peak(products), 8000 / 3)


if __name__ == "__main__":
    unittest.main()
