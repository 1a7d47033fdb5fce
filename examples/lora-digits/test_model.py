"""Checks the hand-written gradients against differences, and that B = 0 changes nothing."""

import unittest

import numpy as np

from lora.adam import Adam
from lora.model import Model, new_adapter, new_base


class Gradients(unittest.TestCase):
    def setUp(self) -> None:
        rng = np.random.default_rng(1)
        self.x = rng.standard_normal((5, 6))
        self.labels = rng.integers(0, 3, 5)
        self.base = _double(new_base([6, 7, 4, 3], seed=1))
        self.adapter = _double(new_adapter(self.base, rank=2, seed=1))

    def test_base_gradients_match_differences(self) -> None:
        self._check(Model(self.base), self.base)

    def test_adapter_gradients_match_differences(self) -> None:
        rng = np.random.default_rng(2)
        for name, value in self.adapter.items():
            if "lora_B" in name:
                value += 0.3 * rng.standard_normal(value.shape)
        self._check(Model(self.base, self.adapter, scale=1.5), self.adapter)

    def test_a_new_adapter_leaves_the_base_model_as_it_is(self) -> None:
        plain = Model(self.base).scores(self.x)
        with_adapter = Model(self.base, self.adapter, scale=1.5).scores(self.x)
        np.testing.assert_array_equal(plain, with_adapter)

    def test_training_an_adapter_leaves_the_base_weights_as_they_are(self) -> None:
        before = {name: value.copy() for name, value in self.base.items()}
        model = Model(self.base, self.adapter, scale=1.5)
        optimiser = Adam(self.adapter, learning_rate=0.01)
        first, _ = model.loss_and_gradients(self.x, self.labels)
        for _ in range(50):
            loss, gradients = model.loss_and_gradients(self.x, self.labels)
            optimiser.update(self.adapter, gradients, 1.0)
        self.assertLess(loss, first / 2)
        for name, value in self.base.items():
            np.testing.assert_array_equal(value, before[name])

    def _check(self, model: Model, params: dict) -> None:
        _, gradients = model.loss_and_gradients(self.x, self.labels)
        self.assertEqual(set(gradients), set(params))
        for name, value in params.items():
            for index in np.ndindex(value.shape):
                kept = value[index]
                value[index] = kept + 1e-6
                above, _ = model.loss_and_gradients(self.x, self.labels)
                value[index] = kept - 1e-6
                below, _ = model.loss_and_gradients(self.x, self.labels)
                value[index] = kept
                expected = (above - below) / 2e-6
                self.assertAlmostEqual(gradients[name][index], expected, places=6, msg=name)


def _double(params: dict) -> dict:
    return {name: value.astype(np.float64) for name, value in params.items()}


if __name__ == "__main__":
    unittest.main()
