"""Several questions behind one picture in one row, none of which sees another.

The picture's tokens see each other both ways, as in Gemma 3; everything else sees what stands before it in the picture's prefix and in its
own question. Positions start anew behind the picture for each question, so that every question is trained as if asked alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True, slots=True)
class Row:
    """One picture's tokens: ``prefix`` (up to the end of the picture) and ``(question, answer)`` ids behind it."""

    prefix: list[int]
    questions: list[tuple[list[int], list[int]]]

    def ids(self) -> list[int]:
        """Return all ids in order."""
        return [*self.prefix, *(token for question, answer in self.questions for token in (*question, *answer))]


@dataclass(frozen=True, slots=True)
class Pack:
    """A batch of rows as tensors on the device: B rows, L tokens.

    Attributes:
        ids: (B, L) token ids, 0 behind the end.
        is_picture: (B, L) True at picture tokens.
        positions: (B, L) positions.
        mask: (B, 1, L, L) 0 where a token (third axis) sees another (last axis), -1e9 elsewhere.
        weights: (B, L) loss weight of each token as a target; 0 outside answers.
    """

    ids: Any
    is_picture: Any
    positions: Any
    mask: Any
    weights: Any


def pack(rows: Sequence[Row], image_token: int, device: str) -> Pack:
    """Put rows side by side.

    A target weighs one over the length of its answer, so that a long list of boxes does not drown a one-token diagnosis, plus 0.1.
    """
    import torch

    tokens = [row.ids() for row in rows]
    shape = (len(rows), max(map(len, tokens)))
    ids = np.zeros(shape, np.int64)
    segment = np.full(shape, -1)
    positions = np.zeros(shape, np.int64)
    weights = np.zeros(shape, np.float32)
    for i, row in enumerate(rows):
        ids[i, : len(tokens[i])] = tokens[i]
        start = len(row.prefix)
        segment[i, :start] = 0
        positions[i, :start] = np.arange(start)
        for number, (question, answer) in enumerate(row.questions, start=1):
            end = start + len(question) + len(answer)
            segment[i, start:end] = number
            positions[i, start:end] = len(row.prefix) + np.arange(end - start)
            weights[i, start + len(question) : end] = 1 / max(1, len(answer)) + 0.1
            start = end
    on = {name: torch.from_numpy(array).to(device) for name, array in (("ids", ids), ("seg", segment), ("pos", positions), ("w", weights))}
    picture = on["ids"] == image_token
    seg = on["seg"]
    diagonal = torch.eye(shape[1], dtype=torch.bool, device=device)
    causal = torch.tril(torch.ones_like(diagonal))
    sees = causal | (picture[:, :, None] & picture[:, None, :])
    sees = sees & ((seg[:, None, :] == 0) | (seg[:, None, :] == seg[:, :, None])) & (seg[:, None, :] >= 0)
    sees = sees | diagonal  # padding sees itself: a row of nothing but -1e9 would be NaN in some kernels
    mask = torch.where(sees[:, None], 0.0, -1e9)
    return Pack(on["ids"], picture, on["pos"], mask, on["w"])
