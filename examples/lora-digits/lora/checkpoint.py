"""Checkpoints: everything needed to go on where training stopped, in one file.

A checkpoint is written beside its final name and then renamed, so a kill in the
middle of writing leaves the previous one whole. The two newest are kept.
"""

import json
from dataclasses import dataclass
from pathlib import Path

from safetensors import safe_open
from safetensors.numpy import save_file

from .adam import Adam
from .model import Params

_KEEP = 2


@dataclass
class State:
    """The training of the adapter after ``epoch`` whole epochs."""

    epoch: int
    adapter: Params
    optimiser: Adam
    history: list[dict]


def save(directory: Path, state: State) -> Path:
    """Writes a checkpoint and returns its path."""
    directory.mkdir(parents=True, exist_ok=True)
    tensors = dict(state.adapter)
    tensors.update({f"mean.{name}": value for name, value in state.optimiser.mean.items()})
    tensors.update({f"square.{name}": value for name, value in state.optimiser.square.items()})
    metadata = {
        "epoch": str(state.epoch),
        "steps": str(state.optimiser.steps),
        "history": json.dumps(state.history),
    }
    path = directory / f"adapter-{state.epoch:05}.safetensors"
    half_written = path.with_suffix(".part")
    save_file(tensors, half_written, metadata)
    half_written.replace(path)
    for old in _newest_first(directory)[_KEEP:]:
        old.unlink()
    return path


def load_last(directory: Path, state: State) -> Path | None:
    """Fills ``state`` from the newest checkpoint; returns its path, or None without one."""
    found = _newest_first(directory)
    if not found:
        return None
    with safe_open(found[0], framework="numpy") as file:
        metadata = file.metadata()
        for name in state.adapter:
            _restore(state.adapter, name, file.get_tensor(name), found[0])
            _restore(state.optimiser.mean, name, file.get_tensor(f"mean.{name}"), found[0])
            _restore(state.optimiser.square, name, file.get_tensor(f"square.{name}"), found[0])
    state.epoch = int(metadata["epoch"])
    state.optimiser.steps = int(metadata["steps"])
    state.history = json.loads(metadata["history"])
    return found[0]


def _restore(params: Params, name: str, value, path: Path) -> None:
    if value.shape != params[name].shape:
        raise SystemExit(
            f"{path}: {name} has shape {value.shape}, but the configuration asks for "
            f"{params[name].shape}. Remove the checkpoints to start over."
        )
    params[name] = value.copy()


def _newest_first(directory: Path) -> list[Path]:
    return sorted(directory.glob("adapter-*.safetensors"), reverse=True)
