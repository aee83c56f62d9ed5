"""The user's own data: a table beside a folder of pictures."""

import pandas as pd
import pytest
from PIL import Image

from harness.data.table import samples_from_table
from harness.errors import TableError
from harness.types import Task


@pytest.fixture
def root(tmp_path):
    for name in ("a.png", "b.png", "[c].png"):
        Image.new("RGB", (40, 20)).save(tmp_path / name)
    return tmp_path


def table(**columns):
    base = {"file": ["a.png", "b.png"], "y": ["nevus", "melanoma"], "pat": ["P1", "P2"], "fst": [1, 5]}
    return pd.DataFrame({**base, **columns})


def load(frame, folder, **settings):
    return samples_from_table(frame, **{"root": folder, "image": "file", "target": "y", "prompt": "Which?", **settings})


def test_classification(root):
    first, second = load(table(), root, patient="pat", attributes={"fitzpatrick": "fst"}, id="file")
    assert (first.id, first.patient_id, first.task, first.prompt, first.target) == (
        "a.png",
        "P1",
        Task.CLASSIFICATION,
        "Which?",
        "nevus",
    )
    assert first.choices == ("melanoma", "nevus")
    assert second.attributes == {"fitzpatrick": "V"}
    assert second.source == "table, row 2"
    assert second.images[0].load().size == (40, 20)


def test_a_csv_file_with_choices_in_their_order(root):
    table().to_csv(root / "t.csv", index=False)
    samples = load(root / "t.csv", root, choices=["nevus", "melanoma", "wart"])
    assert samples[0].choices == ("nevus", "melanoma", "wart")
    assert [sample.id for sample in samples] == ["1", "2"]


def test_several_pictures_of_one_question(root):
    samples = load(table(file=['["a.png", "b.png"]', "[c].png"]), root)
    assert [len(sample.images) for sample in samples] == [2, 1]


def test_counting_and_regression(root):
    samples = load(table(y=["3", "5"]), root, task="counting")
    assert [sample.target for sample in samples] == [3, 5]
    assert samples[0].metadata == {}  # inferred later, and said to be
    samples = load(table(y=["3.5", "5"]), root, task="regression", bounds=(0, 30), unit="mm")
    assert [sample.target for sample in samples] == [3.5, 5.0]
    assert samples[0].metadata == {"bounds": (0, 30), "unit": "mm"}


def test_detection_knows_the_pictures_size_when_answers_come_on_a_grid(root):
    notes = []
    frame = table(y=["[[1,2,3,4]]", '[{"bbox": [1,2,3,4], "label": "nevus"}]'], file=["a.png", "gone.png"])
    samples = load(frame, root, task="detection", box_frame=(100, 100), note=notes.append)
    assert samples[0].target == (("", (1.0, 2.0, 3.0, 4.0)),)
    assert samples[1].target == (("nevus", (1.0, 2.0, 3.0, 4.0)),)
    assert samples[0].metadata == {"box_frame": (100, 100), "image_size": (40, 20)}
    assert samples[1].metadata == {"box_frame": (100, 100)}
    assert f"1 of 2 rows name a picture that is not in {root}: row 2 (id '2'). They count as errors." in notes
    assert load(table(y=[[[1, 2, 3, 4]], []]), root, task="detection")[1].target == ()


@pytest.mark.parametrize(
    ("columns", "settings", "parts"),
    [
        (
            {},
            {"task": "caption"},
            ["task='caption' is not one a table can hold; allowed are classification, detection, counting, regression."],
        ),
        ({}, {"image": "fil"}, ["table has no column 'fil', which image= asks for.", "Did you mean 'file'?"]),
        ({}, {"patient": "who"}, ["no column 'who', which patient= asks for."]),
        ({}, {"root": "/nowhere/at/all"}, ["The folder of pictures /nowhere/at/all does not exist (root=)."]),
        (
            {"file": ["a.png", "../b.png"]},
            {},
            ["column 'file' (image=), row 2 (id '2'): The picture path '../b.png' leads out of the folder"],
        ),
        ({"file": ["a.png", None]}, {}, ["row 2 (id '2'): ", "names no picture."]),
        (
            {"file": ["x.png", "y.png"]},
            {},
            ["column 'file' (image=): none of the pictures is in", "e.g. 'x.png'. Set root= to their folder."],
        ),
        ({}, {"choices": ["nevus", "wart"]}, ["'melanoma' is none of the choices (nevus, wart) in row 2 (id '2')."]),
        (
            {"y": [1, 2.5]},
            {"task": "counting"},
            ["a counting target must be a whole number from 0 up, and is not in row 2 (id '2')."],
        ),
        (
            {"y": [1, None]},
            {"task": "regression"},
            ["a regression target must be a finite number, and is not in row 2 (id '2')."],
        ),
        (
            {"y": ["[]", "none"]},
            {"task": "detection"},
            ["row 2 (id '2'): 'none' are no boxes", "and [] where there is nothing."],
        ),
        (
            {"y": [1, 2]},
            {"task": "counting", "bounds": (3, 3)},
            ["bounds=(3, 3) must be two numbers, the lower one first."],
        ),
        ({"y": [1, 2]}, {"task": "counting", "bounds": (3,)}, ["bounds=(3,) must be two numbers"]),
        ({"y": ["[]", "[[1,2,3]]"]}, {"task": "detection"}, ["are no boxes (not_four_numbers)."]),
    ],
)
def test_bad_tables_are_told_what_to_mend(root, columns, settings, parts):
    with pytest.raises(TableError) as caught:
        load(table(**columns), root, **settings)
    for part in parts:
        assert part in str(caught.value)
