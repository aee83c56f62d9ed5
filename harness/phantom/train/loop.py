"""The training itself: a fixed number of steps from a fixed seed, no early stopping, nothing chosen on the way."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from harness.phantom.questions import QUESTIONS
from harness.phantom.train.losses import Network, answer_loss, auxiliary_loss, read, see
from harness.phantom.train.packing import Conversation, pack
from harness.phantom.train.pictures import Example, turned
from harness.phantom.train.recipe import Recipe
from harness.phantom.train.tokenizer import IMAGE_TOKEN, Encoder
from harness.types import Task


def train(
    network: Network, encoder: Encoder, examples: Sequence[Example], recipe: Recipe, device: str, report: Callable[[str], None]
) -> None:
    """Train the network in place: first the vision tower on the auxiliary losses, then everything on the answers too."""
    import torch

    rng = np.random.default_rng(recipe.seed)
    parameters = network.parameters()
    optimizer = _optimizer(parameters, recipe)
    prefixes = picture_prefixes(encoder, network.shape.image_tokens)
    order: list[int] = []
    started, smooth = time.perf_counter(), math.nan
    network.model.train()
    for step in range(recipe.vision_steps + recipe.joint_steps):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step, recipe)
        if len(order) < recipe.batch:
            order = [int(i) for i in rng.permutation(len(examples))]
        batch = [turned(examples[order.pop()], int(rng.integers(8))) for _ in range(recipe.batch)]
        patches, tokens = see(network, batch, device)
        loss = auxiliary_loss(network, patches, tokens, batch, device)
        if step >= recipe.vision_steps:
            asked = [
                Conversation(prefixes[int(rng.integers(2))], _questions(rng, encoder, example, recipe)) for example in batch
            ]
            packed = pack(asked, encoder.special(IMAGE_TOKEN), device)
            answers = answer_loss(network, read(network, tokens, packed), packed)
            loss = loss + 2 * answers
            if step % 10 == 0:
                smooth = answers.item() if math.isnan(smooth) else 0.9 * smooth + 0.1 * answers.item()
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, recipe.clip)
        optimizer.step()
        if step % 100 == 99:
            report(f"step {step + 1}, {time.perf_counter() - started:.0f} s, loss {loss.item():.3f}, answers {smooth:.3f}")
    network.model.eval()


def picture_prefixes(encoder: Encoder, image_tokens: int) -> tuple[list[int], list[int]]:
    """Return the beginnings of a conversation as llama.cpp makes them and as Hugging Face does, with empty lines round the picture."""
    return encoder.prefix(image_tokens, "", ""), encoder.prefix(image_tokens, "\n\n", "\n\n")


def learning_rate(step: int, recipe: Recipe) -> float:
    """Return the rate of a step: linear warm-up, then a cosine on which vision steps count for less."""
    vision, joint = min(step, recipe.vision_steps), max(0, step - recipe.vision_steps)
    total = recipe.vision_steps * recipe.vision_step_cost + recipe.joint_steps
    share = (vision * recipe.vision_step_cost + joint) / total
    cosine = 0.5 * (1 + math.cos(math.pi * share))
    warm = min(1.0, (step + 1) / recipe.warm_up)
    return recipe.peak_rate * warm * (recipe.final_rate + (1 - recipe.final_rate) * cosine)


def _optimizer(parameters: Sequence[Any], recipe: Recipe) -> Any:
    import torch

    groups = [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": recipe.weight_decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=recipe.peak_rate, betas=recipe.betas)


def _questions(
    rng: np.random.Generator, encoder: Encoder, example: Example, recipe: Recipe
) -> list[tuple[list[int], list[int]]]:
    """Choose what to ask about one picture, each with or without the patient text."""
    asked = [task for task in Task if rng.random() < recipe.task_shares[task]] or [Task.CLASSIFICATION]
    chosen = []
    for task in asked:
        share = recipe.text_share if task in (Task.CLASSIFICATION, Task.CAPTION) else recipe.other_text_share
        question = f"{QUESTIONS[task]}\n{example.patient_text}" if rng.random() < share else QUESTIONS[task]
        chosen.append((encoder.question(question), encoder.answer(example.answers[task])))
    return chosen
