"""The data: scikit-learn's handwritten digits, as a source task and a target task.

The source task shows the digits upright, bright on dark. The target task shows
other samples of them turned by 90 degrees and inverted, dark on bright: a model
that knows only the source task does little better than guessing on it.
"""

from dataclasses import dataclass

import numpy as np
from sklearn.datasets import load_digits


@dataclass(frozen=True)
class Split:
    """Training and test samples: rows of 64 pixels in 0..1, and labels 0..9."""

    train_x: np.ndarray
    train_y: np.ndarray
    test_x: np.ndarray
    test_y: np.ndarray


def load(seed: int) -> tuple[Split, Split]:
    """Returns the source task and the target task, cut from disjoint samples."""
    digits = load_digits()
    images = digits.images.astype(np.float32) / 16.0
    labels = digits.target.astype(np.int64)
    order = np.random.default_rng(seed).permutation(len(labels))
    images, labels = images[order], labels[order]
    cut = len(labels) // 3
    turned = 1.0 - np.rot90(images[cut:], axes=(1, 2))
    return _split(images[:cut], labels[:cut]), _split(turned, labels[cut:])


def _split(images: np.ndarray, labels: np.ndarray) -> Split:
    pixels = np.ascontiguousarray(images).reshape(len(images), -1)
    cut = len(labels) * 3 // 4
    return Split(pixels[:cut], labels[:cut], pixels[cut:], labels[cut:])
