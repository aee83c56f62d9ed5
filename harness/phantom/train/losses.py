"""What the network is told: the answers, and during training also where the lesions are and what they are like.

The auxiliary heads hang on the vision tower (masks) and on the sixteen picture tokens (diagnosis, count, latents, and per token the boxes
whose middle lies in its cell). They are dropped afterwards. Without the cell head, boxes do not learn in the time there is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from harness.phantom.scene import FRAME, LATENTS
from harness.phantom.train.packing import Pack
from harness.phantom.train.pictures import MASK, Example
from harness.phantom.train.recipe import Shape

_CLASSES: Final = 5
_COUNTS: Final = 4


@dataclass(frozen=True, slots=True)
class Network:
    """The model and its auxiliary heads."""

    model: Any
    masks: Any
    summary: Any
    cells: Any
    shape: Shape

    def parameters(self) -> list[Any]:
        """Return everything that is trained."""
        return [p for part in (self.model, self.masks, self.summary, self.cells) for p in part.parameters()]


def with_heads(model: Any, shape: Shape, device: str) -> Network:
    """Hang fresh auxiliary heads on a model and put all on the device."""
    from torch import nn

    mask_patch = MASK * shape.patch // FRAME
    masks = nn.Linear(shape.vision_width, 2 * mask_patch**2)
    summary = nn.Linear(shape.image_tokens * shape.text_width, _CLASSES + _COUNTS + len(LATENTS))
    cells = nn.Linear(shape.text_width, 2 * 5)
    return Network(model.to(device), masks.to(device), summary.to(device), cells.to(device), shape)


def see(network: Network, examples: Sequence[Example], device: str) -> tuple[Any, Any]:
    """Run the vision tower: patch features (B, 64, vision width) and picture tokens (B, 16, text width)."""
    import torch

    pixels = torch.from_numpy(np.stack([example.pixels for example in examples])).to(device)
    scaled = pixels.permute(0, 3, 1, 2).float().div_(127.5).sub_(1)
    patches = network.model.model.vision_tower(scaled).last_hidden_state
    return patches, network.model.model.multi_modal_projector(patches)


def read(network: Network, tokens: Any, pack: Pack) -> Any:
    """Run the language part over a pack with the picture tokens (B, 16, text width) put in: hidden states (R, L, text width)."""
    embedded = network.model.get_input_embeddings()(pack.ids)
    embedded = embedded.masked_scatter(pack.is_picture.unsqueeze(-1).expand_as(embedded), tokens[pack.order].to(embedded.dtype))
    masks = {"full_attention": pack.mask, "sliding_attention": pack.mask}
    language = network.model.model.language_model
    return language(
        inputs_embeds=embedded, attention_mask=masks, position_ids=pack.positions, use_cache=False
    ).last_hidden_state


def answer_loss(network: Network, hidden: Any, pack: Pack) -> Any:
    """Return the weighted cross-entropy of the answers."""
    from torch.nn import functional

    weights = pack.weights[:, 1:]
    counted = weights > 0
    logits = network.model.lm_head(hidden[:, :-1][counted])
    losses = functional.cross_entropy(logits, pack.ids[:, 1:][counted], reduction="none")
    return (losses * weights[counted]).sum() / weights[counted].sum()


def auxiliary_loss(network: Network, patches: Any, tokens: Any, examples: Sequence[Example], device: str) -> Any:
    """Return ``2 masks + 0.5 (diagnosis + 0.5 count + 3 latents + 2 cells)``."""
    import torch
    from torch.nn import functional

    size, batch = MASK * network.shape.patch // FRAME, len(examples)
    side = FRAME // network.shape.patch
    masks = torch.from_numpy(np.stack([example.masks for example in examples])).to(device).float()
    masks = masks.reshape(batch, 2, side, size, side, size).permute(0, 2, 4, 1, 3, 5).reshape(batch, side * side, -1)
    mask_loss = functional.binary_cross_entropy_with_logits(network.masks(patches), masks)

    summary = network.summary(tokens.reshape(batch, -1))
    label = torch.tensor([example.label for example in examples], device=device)
    count = torch.tensor([len(example.boxes) for example in examples], device=device)
    latents = torch.from_numpy(np.stack([example.latents for example in examples])).to(device)
    label_loss = functional.cross_entropy(summary[:, :_CLASSES], label)
    count_loss = functional.cross_entropy(summary[:, _CLASSES : _CLASSES + _COUNTS], count)
    latent_loss = (((summary[:, _CLASSES + _COUNTS :] - latents) ** 2) * (count > 0)[:, None]).mean()
    cell_loss = _cell_loss(network, tokens, examples, device)
    return 2 * mask_loss + 0.5 * (label_loss + 0.5 * count_loss + 3 * latent_loss + 2 * cell_loss)


def _cell_loss(network: Network, tokens: Any, examples: Sequence[Example], device: str) -> Any:
    """Return objectness plus five times the box error, for two slots a cell: the lesion in question, any other one."""
    import torch
    from torch.nn import functional

    cells = network.shape.image_tokens
    side = round(cells**0.5)
    there = np.zeros((len(examples), cells, 2), np.float32)
    where = np.zeros((len(examples), cells, 2, 4), np.float32)
    for i, example in enumerate(examples):
        for number, (x_min, y_min, x_max, y_max) in enumerate(example.boxes):
            column = min(side - 1, int((x_min + x_max) / 2 * side / FRAME))
            row = min(side - 1, int((y_min + y_max) / 2 * side / FRAME))
            there[i, row * side + column, int(number > 0)] = 1
            where[i, row * side + column, int(number > 0)] = np.array([x_min, y_min, x_max, y_max]) / FRAME
    present, target = torch.from_numpy(there).to(device), torch.from_numpy(where).to(device)
    guess = network.cells(tokens).reshape(len(examples), cells, 2, 5)
    objectness = functional.binary_cross_entropy_with_logits(guess[..., 0], present)
    error = ((guess[..., 1:] - target).abs().mean(-1) * present).sum() / present.sum().clamp(min=1)
    return objectness + 5 * error
