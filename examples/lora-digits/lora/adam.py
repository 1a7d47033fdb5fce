"""The AdamW optimiser over a dictionary of arrays, with a state that can be saved."""

import numpy as np

from .model import Params


class Adam:
    """AdamW with the usual constants; ``steps``, ``mean`` and ``square`` are its state."""

    def __init__(self, params: Params, learning_rate: float, weight_decay: float = 0.0):
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.steps = 0
        self.mean = {name: np.zeros_like(value) for name, value in params.items()}
        self.square = {name: np.zeros_like(value) for name, value in params.items()}

    def update(self, params: Params, gradients: Params, share: float) -> None:
        """Takes one step at ``share`` of the learning rate, changing ``params`` in place."""
        self.steps += 1
        rate = self.learning_rate * share
        for name, gradient in gradients.items():
            mean, square = self.mean[name], self.square[name]
            mean += 0.1 * (gradient - mean)
            square += 0.001 * (gradient * gradient - square)
            direction = (mean / (1 - 0.9**self.steps)) / (
                np.sqrt(square / (1 - 0.999**self.steps)) + 1e-8
            )
            params[name] -= rate * (direction + self.weight_decay * params[name])
