"""Several pictures in one row, each with several questions behind it, none of which sees another.

The picture's tokens see each other both ways, as in Gemma 3; everything else sees what stands before it in the prefix of its own
picture and in its own question. Positions start anew for each picture, and behind the picture for each question, so that every
question is trained as if asked alone. Rows are filled like bins, which saves a third of the work that padding would take.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

ROW_LENGTH: Final = 192
"""Rows are filled up to so many tokens (more where one conversation is longer)."""


@dataclass(frozen=True, slots=True)
class Conversation:
    """One picture's tokens: ``prefix`` (up to the end of the picture) and ``(question, answer)`` ids behind it."""

    prefix: list[int]
    questions: list[tuple[list[int], list[int]]]

    def ids(self) -> list[int]:
        """Return all ids in order."""
        return [*self.prefix, *(token for question, answer in self.questions for token in (*question, *answer))]


@dataclass(frozen=True, slots=True)
class Pack:
    """A batch as tensors on the device: R rows, L tokens.

    Attributes:
        ids: (R, L) token ids, 0 behind the end.
        is_picture: (R, L) True at picture tokens.
        order: (B,) which conversation's picture comes first, second, ... reading row by row.
        ends: (B, 2) row and column of the last token of each conversation, in the order given.
        positions: (R, L) positions.
        mask: (R, 1, L, L) 0 where a token (third axis) sees another (last axis), -1e9 elsewhere.
        weights: (R, L) loss weight of each token as a target; 0 outside answers.
    """

    ids: Any
    is_picture: Any
    order: Any
    ends: Any
    positions: Any
    mask: Any
    weights: Any


def fill_rows(lengths: Sequence[int]) -> list[list[int]]:
    """Return the conversations of each row: the longest first, each into the first row with room for it."""
    room: list[int] = []
    rows: list[list[int]] = []
    for index in sorted(range(len(lengths)), key=lambda i: -lengths[i]):
        fitting = next((row for row, left in enumerate(room) if left >= lengths[index]), None)
        if fitting is None:
            rows.append([])
            room.append(max(ROW_LENGTH, max(lengths)))
            fitting = len(rows) - 1
        rows[fitting].append(index)
        room[fitting] -= lengths[index]
    return rows


def pack(conversations: Sequence[Conversation], image_token: int, device: str) -> Pack:
    """Put conversations into rows.

    A target weighs one over the length of its answer, so that a long list of boxes does not drown a one-token diagnosis, plus 0.1.
    """
    import torch

    tokens = [conversation.ids() for conversation in conversations]
    rows = fill_rows([len(ids) for ids in tokens])
    shape = (len(rows), max(sum(len(tokens[i]) for i in row) for row in rows))
    ids, positions = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
    owner, question_of = np.full(shape, -1), np.zeros(shape, np.int64)
    weights = np.zeros(shape, np.float32)
    ends = np.zeros((len(tokens), 2), np.int64)
    for r, row in enumerate(rows):
        start = 0
        for i in row:
            prefix = len(conversations[i].prefix)
            stop = start + len(tokens[i])
            ids[r, start:stop] = tokens[i]
            owner[r, start:stop] = i
            positions[r, start : start + prefix] = np.arange(prefix)
            at = start + prefix
            for number, (question, answer) in enumerate(conversations[i].questions, start=1):
                end = at + len(question) + len(answer)
                question_of[r, at:end] = number
                positions[r, at:end] = prefix + np.arange(end - at)
                weights[r, at + len(question) : end] = 1 / max(1, len(answer)) + 0.1
                at = end
            ends[i] = r, stop - 1
            start = stop

    def on_device(array: Any) -> Any:
        return torch.from_numpy(np.asarray(array)).to(device)

    all_ids = on_device(ids)
    picture = all_ids == image_token
    order = on_device(np.array([i for row in rows for i in row]))
    mask = _mask(picture, on_device(owner), on_device(question_of))
    return Pack(all_ids, picture, order, on_device(ends), on_device(positions), mask, on_device(weights))


def _mask(picture: Any, owner: Any, question_of: Any) -> Any:
    """Return what sees what, (R, 1, L, L), from whose each token is and to which question it belongs (0: the prefix), (R, L)."""
    import torch

    diagonal = torch.eye(picture.shape[1], dtype=torch.bool, device=picture.device)
    causal = torch.tril(torch.ones_like(diagonal))
    sees = causal | (picture[:, :, None] & picture[:, None, :])
    sees = sees & (owner[:, :, None] == owner[:, None, :])
    sees = sees & ((question_of[:, None, :] == 0) | (question_of[:, None, :] == question_of[:, :, None]))
    # Padding sees itself: a row of nothing but -1e9 would be NaN in some kernels.
    return torch.where((sees | diagonal)[:, None], 0.0, -1e9)
