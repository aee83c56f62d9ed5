"""``python -m harness.phantom.evaluate``: how good the shipped model is, by skin type, straight through llama.cpp.

A short, independent check of the weights: it shares nothing with the harness' own adapters and metrics but the runtime. Differences by skin
type are signed, IV-VI minus I-III; on the matched set with a 95% interval from resampling lesions.
"""

from __future__ import annotations

import argparse
import base64
import io
import json
import re
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from harness.phantom.questions import prompt
from harness.phantom.render import PhantomImage
from harness.phantom.scene import DIAGNOSES, FIELD_OF_VIEW_MM, FITZPATRICK, FRAME, Scene
from harness.phantom.splits import scenes
from harness.phantom.truth import GRID, boxes, diameter_mm
from harness.types import Box, Task

Floats = NDArray[np.float64]

_BOX: Final = re.compile(r"\[(\d+),(\d+),(\d+),(\d+)\]")
_QUESTION: Final = "the question goes here"
_LIGHT, _DARK = FITZPATRICK[:3], FITZPATRICK[3:]


class Runtime:
    """One GGUF file with its mmproj in an in-process llama.cpp server, asked greedily in the model's own chat template."""

    def __init__(self, weights: Path, level: str, threads: int) -> None:
        """Load ``phantomvl-<level>.gguf`` and the mmproj from a folder."""
        import xllamacpp

        settings = xllamacpp.CommonParams()
        settings.model.path = str(weights / f"phantomvl-{level}.gguf")
        settings.mmproj.path = str(weights / "mmproj-phantomvl-f16.gguf")
        settings.n_ctx, settings.n_parallel, settings.warmup, settings.verbosity = 1024, 1, False, 0
        settings.cpuparams.n_threads = threads
        self._server: Any = xllamacpp.Server(settings)
        self._class_ids = [self._post("/tokenize", {"content": name})["tokens"] for name in DIAGNOSES]
        if any(len(ids) != 1 for ids in self._class_ids):
            raise ValueError(f"every class must be one token, got {self._class_ids}")
        image = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{as_png(scenes('test', 1)[0])}"}}
        turn = {"role": "user", "content": [image, {"type": "text", "text": _QUESTION}]}
        self._template: str = self._post("/apply-template", {"messages": [turn]})["prompt"]

    def classify(self, picture: str, question: str) -> Floats:
        """Return the log-probability of each class as the first token of the answer, shape (5,)."""
        reply = self._ask(picture, question, 1, n_probs=1000)
        found = {item["id"]: item["logprob"] for item in reply["completion_probabilities"][0]["top_logprobs"]}
        return np.array([found[ids[0]] for ids in self._class_ids])

    def answer(self, picture: str, question: str, longest: int = 80) -> str:
        """Return the answer to one question as text."""
        return str(self._ask(picture, question, longest)["content"]).strip()

    def _ask(self, picture: str, question: str, longest: int, **more: Any) -> dict[str, Any]:
        asked = {"prompt_string": self._template.replace(_QUESTION, question), "multimodal_data": [picture]}
        return self._post("/completion", {"prompt": asked, "n_predict": longest, "temperature": 0, **more})

    def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        address = f"{self._server.listening_address}{path}"
        request = urllib.request.Request(address, json.dumps(body).encode(), {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=120) as reply:
            found: dict[str, Any] = json.loads(reply.read())
        return found


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one picture.

    Attributes:
        scene: The picture.
        alone, informed: Whether the diagnosis was right, without and with the patient text.
        counted: Whether the count was exact.
        matched: True positives, false positives, false negatives of the boxes at IoU 0.5.
        error_mm: Absolute error of the diameter; NaN where there is no lesion.
    """

    scene: Scene
    alone: bool
    informed: bool
    counted: bool
    matched: tuple[int, int, int]
    error_mm: float


def judge(runtime: Runtime, scene: Scene) -> Outcome:
    """Ask every question of one picture and compare with the truth."""
    picture = as_png(scene)

    def right(with_text: bool) -> bool:
        return (
            DIAGNOSES[int(runtime.classify(picture, prompt(Task.CLASSIFICATION, scene, with_text)).argmax())] == scene.diagnosis
        )

    def said(task: Task) -> str:
        return runtime.answer(picture, prompt(task, scene, False))

    counted = said(Task.COUNTING) == str(len(scene.lesions))
    found = [tuple(float(v) * FRAME / GRID for v in box) for box in _BOX.findall(said(Task.DETECTION))]
    error = float("nan")
    if scene.lesions:
        number = re.match(r"\d+", said(Task.REGRESSION))
        error = abs((float(number.group()) if number else FIELD_OF_VIEW_MM) - diameter_mm(scene))
    return Outcome(scene, right(False), right(True), counted, match_boxes(found, boxes(scene)), error)


def as_png(scene: Scene) -> str:
    """Return the drawn picture as base64 of a PNG."""
    buffer = io.BytesIO()
    PhantomImage(scene).load().save(buffer, "PNG", compress_level=1)
    return base64.b64encode(buffer.getvalue()).decode()


def match_boxes(found: Sequence[tuple[float, ...]], true: Sequence[Box]) -> tuple[int, int, int]:
    """Match boxes greedily at IoU 0.5, in the order given: true positives, false positives, false negatives."""
    left = list(true)
    hits = 0
    for box in found:
        best = max(left, key=lambda other: iou(box, other), default=None)
        if best is not None and iou(box, best) >= 0.5:
            left.remove(best)
            hits += 1
    return hits, len(found) - hits, len(left)


def iou(a: tuple[float, ...], b: tuple[float, ...]) -> float:
    """Return the intersection over union of two ``(x_min, y_min, x_max, y_max)``."""
    width = max(0.0, min(a[2], b[2]) - max(a[0], b[0]))
    height = max(0.0, min(a[3], b[3]) - max(a[1], b[1]))
    union = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - width * height
    return width * height / union if union > 0 else 0.0


def _balanced(outcomes: Sequence[Outcome], right: Callable[[Outcome], bool]) -> float:
    recalls = []
    for name in DIAGNOSES:
        of_class = [right(outcome) for outcome in outcomes if outcome.scene.diagnosis == name]
        if of_class:
            recalls.append(float(np.mean(of_class)))
    return float(np.mean(recalls))


def _box_f1(outcomes: Sequence[Outcome]) -> float:
    hits, extra, missed = np.sum([outcome.matched for outcome in outcomes], axis=0)
    return float(2 * hits / max(1, 2 * hits + extra + missed))


FIGURES: Final[dict[str, Callable[[Sequence[Outcome]], float]]] = {
    "balanced accuracy, picture": lambda some: _balanced(some, lambda o: o.alone),
    "balanced accuracy, with text": lambda some: _balanced(some, lambda o: o.informed),
    "box F1 at IoU 0.5": _box_f1,
    "exact counts": lambda some: float(np.mean([o.counted for o in some])),
    "diameter MAE, mm": lambda some: float(np.nanmean([o.error_mm for o in some])),
}


def print_table(outcomes: Sequence[Outcome]) -> None:
    """Print each figure for everybody, by skin group and by skin type (as drawn, recorded or not)."""
    groups = {"all": FITZPATRICK, "I-III": _LIGHT, "IV-VI": _DARK, **{name: (name,) for name in FITZPATRICK}}
    members = {name: [o for o in outcomes if o.scene.skin.fitzpatrick in types] for name, types in groups.items()}
    print(f"{'':30}" + "".join(f"{name:>8}" for name in groups))
    print(f"{'pictures':30}" + "".join(f"{len(some):8d}" for some in members.values()))
    for figure, of in FIGURES.items():
        print(f"{figure:30}" + "".join(f"{of(some):8.3f}" if some else f"{'-':>8}" for some in members.values()))


def print_matched_gaps(outcomes: Sequence[Outcome], resamples: int = 2000) -> None:
    """Print the paired gaps IV-VI minus I-III of the matched set, with percentile intervals from resampled lesions."""
    by_lesion: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        by_lesion.setdefault(outcome.scene.patient.id, []).append(outcome)
    rng = np.random.default_rng(0)
    draws = rng.integers(0, len(by_lesion), (resamples, len(by_lesion)))
    rights: dict[str, Callable[[Outcome], bool]] = {
        "accuracy, picture": lambda o: o.alone,
        "accuracy, with text": lambda o: o.informed,
        "exact counts": lambda o: o.counted,
    }
    for name, right in rights.items():
        gaps = np.array([_share(some, right, _DARK) - _share(some, right, _LIGHT) for some in by_lesion.values()])
        low, high = np.percentile(gaps[draws].mean(1), [2.5, 97.5])
        print(f"gap of {name:22} IV-VI minus I-III {gaps.mean():+.3f} [{low:+.3f}, {high:+.3f}], {len(gaps)} lesions")


def _share(outcomes: Sequence[Outcome], right: Callable[[Outcome], bool], types: Sequence[str]) -> float:
    return float(np.mean([right(outcome) for outcome in outcomes if outcome.scene.skin.fitzpatrick in types]))


def main() -> None:
    """Evaluate one level on one split."""
    parser = argparse.ArgumentParser(prog="python -m harness.phantom.evaluate", description=__doc__)
    parser.add_argument("--split", default="test", choices=("calibration", "test", "matched"))
    parser.add_argument("--level", default="f16", choices=("f16", "q8_0", "q4_0"))
    parser.add_argument("--weights", type=Path, default=Path(str(resources.files("harness.phantom"))) / "weights")
    parser.add_argument("--limit", type=int, help="only the first so many pictures")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    runtime = Runtime(options.weights, options.level, options.threads)
    outcomes = [judge(runtime, scene) for scene in scenes(options.split, options.limit)]
    print(
        f"phantomvl-{options.level} on skinphantom {options.split}, {len({o.scene.patient.id for o in outcomes})} patients or lesions"
    )
    print_table(outcomes)
    if options.split == "matched":
        print_matched_gaps(outcomes)


if __name__ == "__main__":
    main()
