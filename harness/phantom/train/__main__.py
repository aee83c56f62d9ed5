"""``python -m harness.phantom.train``: data, tokenizer, training, conversion, quantization, digests."""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import os
import time
from dataclasses import asdict, replace
from importlib import resources
from pathlib import Path
from typing import Any

from harness.phantom.splits import scenes
from harness.phantom.train import export, loop, losses, model, pictures, tokenizer, validate
from harness.phantom.train.recipe import Recipe, Shape

_STARTED = time.perf_counter()


def main() -> None:
    """Train and export, or one of both."""
    options = _options()
    _keep_memory()
    work: Path = options.work
    work.mkdir(parents=True, exist_ok=True)
    shape = Shape()
    recipe = _shortened(replace(Recipe(), seed=options.seed), options.short)
    if options.only != "export":
        _train(work, shape, recipe, options.device, options.workers)
    if options.only != "train":
        _export(work, shape, recipe, options.weights)


def _train(work: Path, shape: Shape, recipe: Recipe, device: str, workers: int) -> None:
    import torch

    torch.set_num_threads(workers)
    examples = pictures.draw_examples(scenes("train", recipe.pictures), workers)
    held_out = pictures.draw_examples(scenes("calibration"), workers)
    _say(f"{len(examples)} pictures to learn from, {len(held_out)} held out")
    tokenizer.train_tokenizer(work / "tokenizer.model", shape.vocabulary)
    encoder = tokenizer.Encoder(work / "tokenizer.model")
    network = losses.with_heads(model.build(shape, encoder, recipe.seed), shape, device)
    _say(f"{sum(p.numel() for p in network.model.parameters()):,} parameters")
    loop.train(network, encoder, examples, recipe, device, _say)
    figures = validate.validate(network, encoder, held_out, device)
    _say(f"calibration split: {figures}")
    times = os.times()
    cost = {"wall_s": round(time.perf_counter() - _STARTED), "cpu_s": round(times.user + times.system + times.children_user)}
    torch.save({"state": network.model.state_dict(), "figures": figures, "cost": cost, "threads": workers}, work / "trained.pt")


def _export(work: Path, shape: Shape, recipe: Recipe, weights: Path) -> None:
    import torch

    trained = torch.load(work / "trained.pt", map_location="cpu", weights_only=True)
    encoder = tokenizer.Encoder(work / "tokenizer.model")
    network = model.build(shape, encoder, recipe.seed)
    network.load_state_dict(trained["state"])
    export.save_hugging_face(network, work, shape)
    weights.mkdir(parents=True, exist_ok=True)
    export.convert(work, weights)
    export.quantize(weights)
    facts = {
        "parameters": sum(p.numel() for p in network.parameters()),
        "seed": recipe.seed,
        "recipe": _plain(asdict(recipe)),
        "calibration_split": trained["figures"],
        "training_cost": {**trained["cost"], "threads": trained["threads"]},
    }
    export.write_digests(weights, facts)
    _say(f"written to {weights}")


def _keep_memory() -> None:
    """Ask glibc to keep freed memory: a step frees and takes some hundred large arrays, and where pages taken anew from the system
    are slow (virtual machines), steps were several times slower without this.
    """
    trim_threshold, top_pad, mmap_max = -1, -2, -4  # malloc.h
    with contextlib.suppress(OSError, AttributeError):
        mallopt = ctypes.CDLL("libc.so.6").mallopt
        mallopt(mmap_max, 0)
        mallopt(trim_threshold, 2**31 - 1)
        mallopt(top_pad, 2**29)


def _plain(recipe: dict[str, Any]) -> dict[str, Any]:
    return {**recipe, "task_shares": {task.value: share for task, share in recipe["task_shares"].items()}}


def _shortened(recipe: Recipe, steps: int | None) -> Recipe:
    """Return a recipe of a few steps and pictures, for trying the machinery; the recipe itself for ``None``."""
    if steps is None:
        return recipe
    return replace(recipe, pictures=max(200, steps * 10), vision_steps=steps // 3, joint_steps=steps - steps // 3)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m harness.phantom.train", description=__doc__)
    parser.add_argument("--work", type=Path, default=Path("runs/phantomvl-training"), help="folder for what is not shipped")
    parser.add_argument("--weights", type=Path, default=Path(str(resources.files("harness.phantom"))) / "weights")
    parser.add_argument("--device", default="cpu", help="a torch device; the shipped weights were made on the CPU")
    parser.add_argument("--workers", type=int, default=2, help="threads and drawing processes")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", choices=("train", "export"), help="do one half")
    parser.add_argument("--short", type=int, metavar="STEPS", help="a trial of a few steps")
    return parser.parse_args()


def _say(text: str) -> None:
    print(f"[{time.perf_counter() - _STARTED:6.0f} s] {text}", flush=True)


if __name__ == "__main__":
    main()
