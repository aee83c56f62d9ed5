"""Quick figures on the calibration split from the network in memory; the real ones come from ``python -m harness.phantom.evaluate``."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from harness.phantom.questions import QUESTIONS
from harness.phantom.scene import DIAGNOSES
from harness.phantom.train.losses import Network, read, see
from harness.phantom.train.packing import Conversation, pack
from harness.phantom.train.pictures import Example
from harness.phantom.train.tokenizer import IMAGE_TOKEN, Encoder
from harness.types import Task


def validate(network: Network, encoder: Encoder, examples: Sequence[Example], device: str) -> dict[str, float]:
    """Return balanced accuracy without and with patient text, and the share of exact counts."""
    labels = np.array([example.label for example in examples])
    counts = np.array([len(example.boxes) for example in examples])
    classes, digits = list(DIAGNOSES), ["0", "1", "2", "3"]
    alone = _choose(network, encoder, examples, Task.CLASSIFICATION, False, classes, device)
    informed = _choose(network, encoder, examples, Task.CLASSIFICATION, True, classes, device)
    counted = _choose(network, encoder, examples, Task.COUNTING, False, digits, device)

    def balanced(answers: np.ndarray[tuple[int], np.dtype[np.int64]]) -> float:
        return float(np.mean([(answers == labels)[labels == k].mean() for k in range(5)]))

    return {
        "balanced_accuracy_picture": round(balanced(alone), 4),
        "balanced_accuracy_with_text": round(balanced(informed), 4),
        "exact_counts": round(float((counted == counts).mean()), 4),
    }


def _choose(
    network: Network,
    encoder: Encoder,
    examples: Sequence[Example],
    task: Task,
    with_text: bool,
    choices: list[str],
    device: str,
) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Return the index of the likeliest one-token answer for each example, shape (n,)."""
    import torch

    prefix = encoder.prefix(network.shape.image_tokens, "", "")
    ids = [encoder.text(choice)[0] for choice in choices]
    chosen = []
    for start in range(0, len(examples), 100):
        part = examples[start : start + 100]
        questions = [f"{QUESTIONS[task]}\n{e.patient_text}" if with_text else QUESTIONS[task] for e in part]
        asked = [Conversation(prefix, [(encoder.question(question), [])]) for question in questions]
        with torch.no_grad():
            _, tokens = see(network, part, device)
            packed = pack(asked, encoder.special(IMAGE_TOKEN), device)
            hidden = read(network, tokens, packed)
            logits = network.model.lm_head(hidden[packed.ends[:, 0], packed.ends[:, 1]])
        chosen.append(logits[:, ids].argmax(1).cpu().numpy())
    return np.concatenate(chosen)
