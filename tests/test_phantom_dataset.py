"""The phantom as a data set: splits, samples, questions, truth."""

from __future__ import annotations

import json
import time
from collections import Counter

import pytest

from harness.errors import ConfigError
from harness.phantom.dataset import TASKS, load
from harness.phantom.questions import answer
from harness.phantom.render import PhantomImage
from harness.phantom.scene import DIAGNOSES, FITZPATRICK
from harness.phantom.splits import scenes
from harness.phantom.truth import boxes
from harness.types import Sample, Task


def by_task(samples: list[Sample], task: Task) -> list[Sample]:
    return [sample for sample in samples if sample.task is task]


def test_test_split_is_large_and_enriched() -> None:
    test = scenes("test")
    patients = {scene.patient.id: scene.patient for scene in test}
    assert len(test) >= 1500
    assert len(patients) >= 500
    dark = sum(scene.patient.fitzpatrick in ("IV", "V", "VI") for scene in test) / len(test)
    assert 0.35 < dark < 0.47
    unrecorded = sum(patient.recorded_fitzpatrick is None for patient in patients.values()) / len(patients)
    assert 0.02 < unrecorded < 0.07
    assert set(Counter(scene.diagnosis for scene in test)) == set(DIAGNOSES)
    assert len({scene.id for scene in test}) == len(test)


def test_a_patient_keeps_skin_type_sex_age_and_site() -> None:
    seen: dict[str, object] = {}
    for scene in scenes("test"):
        assert seen.setdefault(scene.patient.id, scene.patient) == scene.patient
        assert scene.skin.fitzpatrick == scene.patient.fitzpatrick


def test_splits_share_no_patient_and_no_picture() -> None:
    train = [
        load("train", tasks=["counting"], limit=600),
        load("calibration", tasks=["counting"]),
        load("test", tasks=["counting"]),
    ]
    patients = [{sample.patient_id for sample in samples} for samples in train]
    pictures = [{sample.images[0].digest for sample in samples} for samples in train]
    for groups in (patients, pictures):
        assert sum(map(len, groups)) == len(set().union(*groups))


def test_training_split_is_skewed_as_public_data_are() -> None:
    train = scenes("train", 4000)
    assert len(train) == 4000
    shares = Counter(scene.patient.fitzpatrick for scene in train)
    for name, share in zip(FITZPATRICK, (0.22, 0.33, 0.25, 0.13, 0.05, 0.02), strict=True):
        assert shares[name] / len(train) == pytest.approx(share, abs=0.03)


def test_matched_set_has_each_lesion_on_all_six_skins() -> None:
    samples = load("matched", tasks=["counting"])
    types = Counter(sample.patient_id for sample in samples)
    assert set(types.values()) == {6}
    assert sum(sample.target > 0 for sample in samples) / 6 >= 350
    assert samples[5].id == "matched-l0000-VI/counting"
    assert samples[5].attributes["fitzpatrick"] == "VI"


def test_samples_of_every_task() -> None:
    samples = load("test", tasks=TASKS, patient_text=True, limit=200)
    assert len({sample.id for sample in samples}) == len(samples)
    assert samples[0].id == "test-p0000-0/classification"
    for sample in by_task(samples, Task.CLASSIFICATION):
        assert sample.target in sample.choices == DIAGNOSES
        assert sample.prompt.startswith("classify the lesion\npatient: ")
    for sample in by_task(samples, Task.MULTILABEL):
        assert set(sample.target) <= set(sample.choices)
    for sample in by_task(samples, Task.REGRESSION):
        assert 1.0 < sample.target <= 20.0
        assert sample.metadata["unit"] == "mm"
    for sample in by_task(samples, Task.DETECTION):
        assert sample.metadata["box_frame"] == [100, 100]
        for label, (x_min, y_min, x_max, y_max) in sample.target:
            assert label == "lesion"
            assert 0 <= x_min < x_max <= 112
            assert 0 <= y_min < y_max <= 112
    counts = {sample.metadata["image_id"]: sample.target for sample in by_task(samples, Task.COUNTING)}
    assert counts == {sample.metadata["image_id"]: len(sample.target) for sample in by_task(samples, Task.DETECTION)}
    assert len(by_task(samples, Task.REGRESSION)) == sum(count > 0 for count in counts.values())


def test_patient_text_can_be_left_out() -> None:
    assert {sample.prompt for sample in load("test", tasks=["classification"], patient_text=False, limit=50)} == {
        "classify the lesion"
    }


def test_the_true_box_answer_reads_back_as_the_truth() -> None:
    for scene in scenes("test")[:100]:
        read = json.loads(answer(Task.DETECTION, scene))
        for grid, box in zip(read, boxes(scene), strict=True):
            assert all(abs(value * 1.12 - edge) <= 1.2 for value, edge in zip(grid, box, strict=True))


def test_two_loads_agree() -> None:
    scenes.cache_clear()
    first = load("test", tasks=TASKS, limit=100)
    scenes.cache_clear()
    second = load("test", tasks=TASKS, limit=100)
    assert first == second
    assert [s.images[0].digest for s in first] == [s.images[0].digest for s in second]


def test_listing_the_test_split_draws_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_drawing(self: PhantomImage) -> None:
        raise AssertionError("drawn")

    monkeypatch.setattr(PhantomImage, "load", no_drawing)
    scenes.cache_clear()
    start = time.process_time()
    samples = load("test")
    digests = {sample.images[0].digest for sample in samples}
    assert len(digests) * 3 == len(samples)
    assert time.process_time() - start < 5.0  # about one second alone; generous, since test machines are shared


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"split": "tests"}, r"no split 'tests'.*train, calibration, test, matched.*Did you mean 'test'"),
        ({"split": "test", "tasks": ["segmentation"]}, r"no task 'segmentation'"),
        ({"split": "test", "limit": -1}, r"limit=-1"),
    ],
)
def test_bad_requests_are_explained(asked: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load(**asked)  # type: ignore[arg-type]
