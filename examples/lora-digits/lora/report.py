"""What training leaves behind: the adapter, the metrics and the loss curve."""

import json
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot  # noqa: E402  (the backend is chosen first)
from safetensors.numpy import save_file  # noqa: E402

from .model import Params  # noqa: E402


def write_adapter(directory: Path, adapter: Params, rank: int, alpha: int) -> None:
    """Writes the adapter under the names and with the settings file that PEFT uses."""
    tensors = {f"base_model.model.{name}": value for name, value in adapter.items()}
    save_file(tensors, directory / "adapter_model.safetensors", {"format": "np"})
    modules = sorted({name.split(".")[0] for name in adapter})
    settings = {
        "peft_type": "LORA",
        "task_type": None,
        "base_model_name_or_path": "base.safetensors",
        "r": rank,
        "lora_alpha": alpha,
        "lora_dropout": 0.0,
        "bias": "none",
        "fan_in_fan_out": False,
        "target_modules": modules,
        "inference_mode": True,
    }
    _write_json(directory / "adapter_config.json", settings)


def write_metrics(directory: Path, summary: dict, history: list[dict]) -> None:
    """Writes metrics.json (the outcome) and metrics.jsonl (one line per epoch)."""
    _write_json(directory / "metrics.json", summary)
    lines = "".join(json.dumps(row) + "\n" for row in history)
    (directory / "metrics.jsonl").write_text(lines)


def write_loss_curve(path: Path, history: list[dict], wanted: float) -> None:
    """Draws the loss and the test accuracy over the epochs."""
    epochs = [row["epoch"] for row in history]
    figure, losses = pyplot.subplots(figsize=(7, 4.2), dpi=120)
    losses.plot(epochs, [row["loss"] for row in history], color="tab:blue", label="training loss")
    losses.set(xlabel="epoch", ylabel="cross-entropy", yscale="log")
    accuracy = losses.twinx()
    test = [row["test_accuracy"] for row in history]
    accuracy.plot(epochs, test, color="tab:orange", label="test accuracy")
    accuracy.axhline(wanted, color="tab:gray", linestyle="--", linewidth=1, label="wanted accuracy")
    accuracy.set(ylabel="accuracy", ylim=(0, 1.02))
    lines = losses.get_lines() + accuracy.get_lines()
    losses.legend(lines, [line.get_label() for line in lines], loc="center right")
    losses.set_title("LoRA fine-tuning: digits turned and inverted")
    figure.tight_layout()
    figure.savefig(path)
    pyplot.close(figure)


def _write_json(path: Path, value: dict) -> None:
    path.write_text(json.dumps(value, indent=2) + "\n")
