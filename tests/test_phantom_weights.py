"""The shipped weights: what DIGESTS.json says, small enough, at the levels their names say, and matched boxes counted rightly."""

from __future__ import annotations

import hashlib
import json
from importlib import resources
from pathlib import Path

import pytest

from harness.phantom.evaluate import iou, match_boxes

WEIGHTS = Path(str(resources.files("harness.phantom"))) / "weights"
NAMES = ("phantomvl-f16.gguf", "phantomvl-q8_0.gguf", "phantomvl-q4_0.gguf", "mmproj-phantomvl-f16.gguf")


@pytest.mark.parametrize("name", NAMES)
def test_digests_match(name: str) -> None:
    recorded = json.loads((WEIGHTS / "DIGESTS.json").read_text())["files"][name]
    content = (WEIGHTS / name).read_bytes()
    assert hashlib.sha256(content).hexdigest() == recorded["sha256"]
    assert len(content) == recorded["bytes"]


def test_weights_are_small_and_complete() -> None:
    assert sorted(path.name for path in WEIGHTS.glob("*.gguf")) == sorted(NAMES)
    assert sum(path.stat().st_size for path in WEIGHTS.glob("*.gguf")) <= 12e6


def test_how_they_were_made_is_recorded() -> None:
    record = json.loads((WEIGHTS / "DIGESTS.json").read_text())
    assert record["licence"] == "Apache-2.0"
    assert record["command"] == "python -m harness.phantom.train"
    assert {"seed", "recipe", "versions", "calibration_split", "training_cost"} <= set(record)


@pytest.mark.parametrize(("level", "matrices"), [("f16", "F16"), ("q8_0", "Q8_0"), ("q4_0", "Q4_0")])
def test_levels_are_what_their_names_say(level: str, matrices: str) -> None:
    gguf = pytest.importorskip("gguf")
    reader = gguf.GGUFReader(WEIGHTS / f"phantomvl-{level}.gguf")
    kinds = {tensor.name: tensor.tensor_type.name for tensor in reader.tensors}
    assert kinds["blk.0.ffn_down.weight"] == matrices
    assert reader.fields["general.architecture"].contents() == "gemma3"
    assert "<start_of_turn>" in reader.fields["tokenizer.chat_template"].contents()
    tokens = reader.fields["tokenizer.ggml.tokens"].contents()
    assert {"melanoma", "nevus", "keratosis", "carcinoma", "normal"} <= set(tokens)


def test_boxes_are_matched_once_each() -> None:
    true = [(10.0, 10.0, 30.0, 30.0), (50.0, 50.0, 70.0, 70.0)]
    assert match_boxes([(11.0, 10.0, 31.0, 30.0), (10.0, 10.0, 30.0, 30.0)], true) == (1, 1, 1)
    assert match_boxes([], true) == (0, 0, 2)
    assert iou((0.0, 0.0, 2.0, 2.0), (1.0, 0.0, 3.0, 2.0)) == pytest.approx(1 / 3)
    assert iou((0.0, 0.0, 0.0, 0.0), (0.0, 0.0, 0.0, 0.0)) == 0.0
