"""Fine-tunes a small base model with LoRA adapters and fails if it stays too weak.

Stopped by SIGTERM it saves a checkpoint and exits with 143; started again it goes
on from the last checkpoint to the same result that an unbroken training reaches.
"""

import argparse
import json
import signal
import sys
import time
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save_file

from lora import checkpoint, data, report
from lora.adam import Adam
from lora.model import Model, Params, new_adapter, new_base

_STOPPED = 128 + signal.SIGTERM


class StopSignal:
    """Remembers that SIGTERM came, so that the epoch under way ends cleanly."""

    def __init__(self) -> None:
        self.received = False
        signal.signal(signal.SIGTERM, self._receive)

    def _receive(self, _number, _frame) -> None:
        self.received = True


def main() -> int:
    """Runs the training; the exit code says whether the wanted accuracy was reached."""
    args = parse_arguments()
    config = json.loads(args.config.read_text())
    stop = StopSignal()
    started = time.monotonic()
    source, target = data.load(config["seed"])
    base = base_model(args.checkpoints, config, source)
    state = fresh_state(base, config)
    resumed_from = checkpoint.load_last(args.checkpoints, state)
    if resumed_from:
        say(f"resuming after epoch {state.epoch} from {resumed_from.name}")
    before = Model(base).accuracy(target.test_x, target.test_y)
    say(f"target task before fine-tuning: accuracy {before:.3f}")
    if not fine_tune(args.checkpoints, config, base, target, state, stop):
        say("stopped by SIGTERM; start again to go on from the checkpoint")
        return _STOPPED
    reached = adapted(base, state, config).accuracy(target.test_x, target.test_y)
    summary = {
        "accuracy": reached,
        "accuracy_wanted": args.min_accuracy,
        "accuracy_before": before,
        "epochs": state.epoch,
        "base_parameters": count(base),
        "trained_parameters": count(state.adapter),
        "seconds": round(time.monotonic() - started, 2),
        "resumed": resumed_from is not None,
    }
    write_results(args, config, base, state, summary)
    if reached < args.min_accuracy:
        say(f"FAILED: accuracy {reached:.3f} is below the wanted {args.min_accuracy:.3f}")
        return 1
    say(f"done: accuracy {reached:.3f} (wanted {args.min_accuracy:.3f}, before {before:.3f})")
    return 0


def parse_arguments() -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", type=Path, required=True, help="settings, as JSON")
    parser.add_argument("--checkpoints", type=Path, required=True, help="where to save and resume")
    parser.add_argument("--output", type=Path, required=True, help="where the results go")
    parser.add_argument("--min-accuracy", type=float, required=True, help="fail below this")
    return parser.parse_args()


def base_model(directory: Path, config: dict, source: data.Split) -> Params:
    """Returns the base model, trained on the source task the first time it is asked for."""
    path = directory / "base.safetensors"
    if path.exists():
        return load_file(path)
    settings = config["pretrain"]
    params = new_base([source.train_x.shape[1], *config["hidden"], 10], config["seed"])
    model, optimiser = Model(params), Adam(params, settings["learning_rate"])
    for epoch in range(settings["epochs"]):
        one_epoch(model, params, optimiser, source, settings["batch"], 1.0, [config["seed"], 3, epoch])
    accuracy = model.accuracy(source.test_x, source.test_y)
    say(f"base model: {count(params)} parameters, source task accuracy {accuracy:.3f}")
    directory.mkdir(parents=True, exist_ok=True)
    half_written = path.with_suffix(".part")
    save_file(params, half_written)
    half_written.replace(path)
    return params


def fresh_state(base: Params, config: dict) -> checkpoint.State:
    """Returns the state of a training that has not begun."""
    settings = config["lora"]
    adapter = new_adapter(base, settings["rank"], config["seed"])
    optimiser = Adam(adapter, settings["learning_rate"], settings["weight_decay"])
    return checkpoint.State(0, adapter, optimiser, [])


def fine_tune(
    directory: Path,
    config: dict,
    base: Params,
    target: data.Split,
    state: checkpoint.State,
    stop: StopSignal,
) -> bool:
    """Trains the adapter to the last epoch; False means that SIGTERM came before."""
    settings = config["lora"]
    model = adapted(base, state, config)
    say(f"adapter: rank {settings['rank']}, {count(state.adapter)} parameters to train")
    while state.epoch < settings["epochs"]:
        share = 0.5 * (1 + np.cos(np.pi * state.epoch / settings["epochs"]))
        seed = [config["seed"], 4, state.epoch]
        loss = one_epoch(
            model, state.adapter, state.optimiser, target, settings["batch"], share, seed
        )
        state.epoch += 1
        accuracy = model.accuracy(target.test_x, target.test_y)
        state.history.append({"epoch": state.epoch, "loss": loss, "test_accuracy": accuracy})
        if stop.received or state.epoch % settings["checkpoint_every_epochs"] == 0:
            say(f"epoch {state.epoch:>4}/{settings['epochs']}  loss {loss:.4f}  test {accuracy:.3f}")
            checkpoint.save(directory, state)
        if stop.received and state.epoch < settings["epochs"]:
            return False
    return True


def one_epoch(
    model: Model,
    params: Params,
    optimiser: Adam,
    task: data.Split,
    batch: int,
    share: float,
    seed: list[int],
) -> float:
    """Goes once through the training samples in an order drawn from ``seed``."""
    order = np.random.default_rng(seed).permutation(len(task.train_y))
    losses = []
    for start in range(0, len(order), batch):
        rows = order[start : start + batch]
        loss, gradients = model.loss_and_gradients(task.train_x[rows], task.train_y[rows])
        optimiser.update(params, gradients, share)
        losses.append(loss)
    return float(np.mean(losses))


def adapted(base: Params, state: checkpoint.State, config: dict) -> Model:
    """Returns the base model with the adapter on it."""
    settings = config["lora"]
    return Model(base, state.adapter, settings["alpha"] / settings["rank"])


def write_results(
    args: argparse.Namespace, config: dict, base: Params, state: checkpoint.State, summary: dict
) -> None:
    """Writes everything that the job brings home."""
    args.output.mkdir(parents=True, exist_ok=True)
    settings = config["lora"]
    save_file(base, args.output / "base.safetensors")
    report.write_adapter(args.output, state.adapter, settings["rank"], settings["alpha"])
    report.write_metrics(args.output, summary, state.history)
    report.write_loss_curve(args.output / "loss.png", state.history, args.min_accuracy)
    say(f"results are in {args.output}")


def count(params: Params) -> int:
    """Returns the number of single weights."""
    return sum(value.size for value in params.values())


def say(text: str) -> None:
    """Prints a progress line at once."""
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
