"""The parts of the training recipe that need no torch, and that the package itself needs none."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from harness.phantom.ceiling import ceilings
from harness.phantom.scene import FRAME
from harness.phantom.splits import scenes
from harness.phantom.train.loop import learning_rate
from harness.phantom.train.packing import ROW_LENGTH, Conversation, fill_rows
from harness.phantom.train.pictures import _example, turned
from harness.phantom.train.recipe import Recipe, Shape
from harness.types import Task


def test_every_conversation_gets_one_place_and_rows_are_not_overfull() -> None:
    lengths = [int(x) for x in np.random.default_rng(0).integers(30, 160, 48)]
    rows = fill_rows(lengths)
    assert sorted(i for row in rows for i in row) == list(range(48))
    assert max(sum(lengths[i] for i in row) for row in rows) <= ROW_LENGTH
    assert sum(lengths) / (len(rows) * ROW_LENGTH) > 0.8
    assert fill_rows([500, 20]) == [[0, 1]] or fill_rows([500, 20]) == [[0], [1]]


def test_a_conversation_lists_its_tokens_in_order() -> None:
    assert Conversation([1, 2], [([3], [4, 5]), ([6], [])]).ids() == [1, 2, 3, 4, 5, 6]


def test_learning_rate_warms_up_and_ends_low() -> None:
    recipe = Recipe()
    last = recipe.vision_steps + recipe.joint_steps - 1
    assert learning_rate(0, recipe) == pytest.approx(recipe.peak_rate / recipe.warm_up)
    assert learning_rate(recipe.warm_up, recipe) == pytest.approx(recipe.peak_rate, rel=0.01)
    assert learning_rate(last, recipe) == pytest.approx(recipe.peak_rate * recipe.final_rate, rel=0.01)


@pytest.mark.parametrize("turn", range(8))
def test_turned_boxes_fit_the_turned_masks(turn: int) -> None:
    some = [scene for scene in scenes("test", 40) if len(scene.lesions) > 1][:5]
    for scene in some:
        example = turned(_example(scene), turn)
        for mask, boxes in ((example.masks[0], example.boxes), (example.masks[1], example.boxes[:1])):
            rows, columns = np.flatnonzero(mask.any(1)) * 2, np.flatnonzero(mask.any(0)) * 2
            edges = np.array(boxes)
            drawn = [columns[0], rows[0], columns[-1] + 2, rows[-1] + 2]
            np.testing.assert_allclose([*edges.min(0)[:2], *edges.max(0)[2:]], drawn, atol=3.0)
        assert example.answers[Task.COUNTING] == str(len(scene.lesions))
        assert all(0 <= edge <= FRAME for box in example.boxes for edge in box)


def test_not_turning_changes_nothing() -> None:
    example = _example(next(scene for scene in scenes("test", 40) if len(scene.lesions) > 1))
    same = turned(example, 0)
    assert same.answers == example.answers
    assert replace(same, answers={}).boxes == example.boxes
    np.testing.assert_array_equal(same.pixels, example.pixels)


def test_every_width_can_be_quantized_in_blocks() -> None:
    shape = Shape()
    assert {width % 32 for width in (shape.vision_width, shape.vision_hidden, shape.text_width, shape.text_hidden)} == {0}


def test_the_text_carries_information_and_the_task_can_be_missed() -> None:
    best = ceilings(3000)
    assert 0.35 < best["text"] < 0.6
    assert best["picture"] < 0.98
    assert best["picture and text"] < 0.99


def test_nothing_but_training_needs_torch() -> None:
    modules = "harness.phantom.dataset, harness.phantom.evaluate, harness.phantom.train.__main__"
    code = f"import sys, {modules}; assert not {{'torch', 'transformers', 'sentencepiece'}} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
