"""A multi-layer perceptron whose linear layers can carry LoRA adapters.

A frozen layer computes ``x W^T + b``. With an adapter it computes
``x W^T + b + (alpha / r) (x A^T) B^T``, where A (r x in) starts random and
B (out x r) starts at zero, so that training starts from the base model exactly.
Only A and B receive gradients then.
"""

import numpy as np

Params = dict[str, np.ndarray]


class Model:
    """Linear layers with ReLU between them; the last one gives the class scores."""

    def __init__(self, base: Params, adapter: Params | None = None, scale: float = 1.0):
        self.base = base
        self.adapter = adapter
        self.scale = scale
        self.depth = len(base) // 2

    def scores(self, x: np.ndarray) -> np.ndarray:
        """Returns one row of class scores per sample."""
        return self._forward(x)[-1]

    def accuracy(self, x: np.ndarray, labels: np.ndarray) -> float:
        """Returns the share of samples whose highest score is the right class."""
        return float(np.mean(self.scores(x).argmax(axis=1) == labels))

    def loss_and_gradients(self, x: np.ndarray, labels: np.ndarray) -> tuple[float, Params]:
        """Returns the mean cross-entropy and its gradient for what is being trained.

        That is the adapter where there is one, and the base weights otherwise.
        """
        inputs = self._forward(x)
        loss, upstream = _cross_entropy(inputs.pop(), labels)
        gradients: Params = {}
        for layer in reversed(range(self.depth)):
            upstream = self._backward(layer, inputs[layer], upstream, gradients)
            if layer > 0:
                upstream = upstream * (inputs[layer] > 0)
        return loss, gradients

    def _forward(self, x: np.ndarray) -> list[np.ndarray]:
        """Returns the input of every layer, and the scores last."""
        values = [x]
        for layer in range(self.depth):
            y = values[-1] @ self.base[f"fc{layer}.weight"].T + self.base[f"fc{layer}.bias"]
            if self.adapter is not None:
                a, b = self._pair(layer)
                y = y + self.scale * (values[-1] @ a.T) @ b.T
            values.append(np.maximum(y, 0) if layer + 1 < self.depth else y)
        return values

    def _backward(
        self, layer: int, x: np.ndarray, upstream: np.ndarray, gradients: Params
    ) -> np.ndarray:
        """Adds one layer's gradients and returns the gradient for its input."""
        downstream = upstream @ self.base[f"fc{layer}.weight"]
        if self.adapter is None:
            gradients[f"fc{layer}.weight"] = upstream.T @ x
            gradients[f"fc{layer}.bias"] = upstream.sum(axis=0)
            return downstream
        a, b = self._pair(layer)
        through_b = self.scale * (upstream @ b)
        gradients[f"fc{layer}.lora_A.weight"] = through_b.T @ x
        gradients[f"fc{layer}.lora_B.weight"] = self.scale * (upstream.T @ (x @ a.T))
        return downstream + through_b @ a

    def _pair(self, layer: int) -> tuple[np.ndarray, np.ndarray]:
        assert self.adapter is not None
        return self.adapter[f"fc{layer}.lora_A.weight"], self.adapter[f"fc{layer}.lora_B.weight"]


def new_base(sizes: list[int], seed: int) -> Params:
    """Returns freshly initialised weights (He) and zero biases."""
    rng = np.random.default_rng([seed, 1])
    params: Params = {}
    for layer, (fan_in, fan_out) in enumerate(zip(sizes, sizes[1:])):
        weight = rng.standard_normal((fan_out, fan_in)) * np.sqrt(2.0 / fan_in)
        params[f"fc{layer}.weight"] = weight.astype(np.float32)
        params[f"fc{layer}.bias"] = np.zeros(fan_out, np.float32)
    return params


def new_adapter(base: Params, rank: int, seed: int) -> Params:
    """Returns one adapter pair per linear layer: A Gaussian, B zero."""
    rng = np.random.default_rng([seed, 2])
    params: Params = {}
    for layer in range(len(base) // 2):
        fan_out, fan_in = base[f"fc{layer}.weight"].shape
        a = rng.standard_normal((rank, fan_in)) / np.sqrt(fan_in)
        params[f"fc{layer}.lora_A.weight"] = a.astype(np.float32)
        params[f"fc{layer}.lora_B.weight"] = np.zeros((fan_out, rank), np.float32)
    return params


def _cross_entropy(scores: np.ndarray, labels: np.ndarray) -> tuple[float, np.ndarray]:
    shifted = scores - scores.max(axis=1, keepdims=True)
    log_total = np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    rows = np.arange(len(labels))
    loss = float(np.mean(log_total[:, 0] - shifted[rows, labels]))
    gradient = np.exp(shifted - log_total)
    gradient[rows, labels] -= 1.0
    return loss, gradient / len(labels)
