"""Every number of the recipe, in one place."""

from __future__ import annotations

from dataclasses import dataclass, field

from harness.types import Task


@dataclass(frozen=True, slots=True)
class Shape:
    """Sizes of the network: the Gemma 3 architecture (SigLIP vision tower, average-pooling projector, Gemma 3 text) in small.

    Widths are multiples of 32, so that every matrix can be quantized in blocks of 32.
    """

    vision_width: int = 192
    vision_layers: int = 4
    vision_heads: int = 6
    vision_hidden: int = 384
    patch: int = 14
    image_tokens: int = 16
    text_width: int = 128
    text_layers: int = 3
    text_heads: int = 4
    text_key_value_heads: int = 2
    head_width: int = 32
    text_hidden: int = 384
    vocabulary: int = 640
    context: int = 2048


def _task_shares() -> dict[Task, float]:
    return {
        Task.CLASSIFICATION: 0.70,
        Task.MULTILABEL: 0.30,
        Task.DETECTION: 0.85,
        Task.COUNTING: 0.35,
        Task.REGRESSION: 0.20,
        Task.CAPTION: 0.20,
    }


@dataclass(frozen=True, slots=True)
class Recipe:
    """How the network is trained.

    Attributes:
        seed: Of initial weights, order of pictures, choice of questions.
        pictures: Pictures of the training split used.
        vision_steps: Steps that train the vision tower alone, on the auxiliary losses.
        joint_steps: Steps after that, on answers as well.
        batch: Pictures a step.
        peak_rate: Learning rate after warm-up.
        warm_up: Steps of linear warm-up.
        final_rate: Share of the peak rate the cosine ends at.
        vision_step_cost: How much a vision step counts against a joint step on the cosine.
        weight_decay: Of matrices; vectors have none.
        betas: Of AdamW.
        clip: Largest gradient norm.
        task_shares: Chance of each question to be asked about a picture.
        text_share: Chance that patient text goes with a question where it matters (diagnosis, caption).
        other_text_share: The same for questions the text says nothing about; the model learns to ignore it.
    """

    seed: int = 0
    pictures: int = 24_000
    vision_steps: int = 900
    joint_steps: int = 2_000
    batch: int = 48
    peak_rate: float = 1.2e-3
    warm_up: int = 100
    final_rate: float = 0.02
    vision_step_cost: float = 0.35
    weight_decay: float = 0.05
    betas: tuple[float, float] = (0.9, 0.98)
    clip: float = 1.0
    task_shares: dict[Task, float] = field(default_factory=_task_shares)
    text_share: float = 0.5
    other_text_share: float = 0.2
