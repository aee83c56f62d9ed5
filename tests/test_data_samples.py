"""From predictions to answers, task by task."""

import numpy as np
import pytest

from harness.answers import BoxAnswers, ClassAnswers, NumberAnswers
from harness.data.samples import inferred_bounds, read_answers, unscored
from harness.errors import AdapterError, TableError
from harness.phantom.dataset import load
from harness.types import Prediction, Sample, Status, Task

CHOICES = ("melanoma", "nevus")


def sample(name, task=Task.CLASSIFICATION, target="nevus", choices=CHOICES, **metadata):
    choices = choices if task is Task.CLASSIFICATION else ()
    return Sample(name, f"p-{name}", task, "?", target, choices=choices, attributes={"fitzpatrick": "V"}, metadata=metadata)


def test_scored_choices_become_probabilities():
    said = [Prediction("a", "melanoma", choice_logprobs=(np.log(0.2), np.log(0.6))), Prediction("b", "melanoma")]
    by_task, answers = read_answers([sample("a"), sample("b")], said)
    found = by_task["classification"]
    assert isinstance(found, ClassAnswers)
    assert found is by_task[Task.CLASSIFICATION]
    assert found.probabilities[0].tolist() == pytest.approx([0.25, 0.75])
    assert np.isnan(found.probabilities[1]).all()
    assert found.answer.tolist() == [1, 0]
    assert found.truth.tolist() == [1, 1]
    assert [answer.rule for answer in answers] == ["scored_choices", "choice_text"]
    assert found.units.attributes["fitzpatrick"].tolist() == ["V", "V"]
    assert found.units.clusters.tolist() == ["p-a", "p-b"]


def test_failures_keep_their_names():
    said = [
        Prediction("a", status=Status.ERROR, error="gone", choice_logprobs=(-1.0, -2.0)),
        Prediction("b", "I cannot say."),
        Prediction("c", "mela", status=Status.TRUNCATED),
    ]
    by_task, answers = read_answers([sample(name) for name in "abcd"], said)
    found = by_task["classification"]
    assert found.status == [Status.ERROR, Status.REFUSED, Status.TRUNCATED, Status.ERROR]
    assert found.answer.tolist() == [-1] * 4
    assert found.probabilities is None
    assert [answer.value for answer in answers] == [None] * 4


def test_unusable_likelihoods_are_no_answer_by_likelihood():
    by_task, _ = read_answers([sample("a")], [Prediction("a", "nevus", choice_logprobs=(float("nan"), -1.0))])
    assert by_task["classification"].probabilities is None
    with pytest.raises(AdapterError, match=r"sample a: 2 choices were asked and 1 scored\. This is a fault of the adapter\."):
        read_answers([sample("a")], [Prediction("a", "nevus", choice_logprobs=(-1.0,))])


def test_questions_with_other_choices_share_one_list_of_classes():
    asked = [sample("a"), sample("b", choices=("nevus", "wart"))]
    by_task, _ = read_answers(asked, [Prediction("b", "", choice_logprobs=(0.0, 0.0))])
    assert by_task["classification"].classes == ("melanoma", "nevus", "wart")
    assert by_task["classification"].probabilities[1].tolist() == [0.0, 0.5, 0.5]


def test_boxes_are_scaled_from_the_grid_to_pixels():
    frame = {"box_frame": [100, 100], "image_size": [200, 50]}
    asked = [
        sample("a", Task.DETECTION, (("lesion", (20.0, 5.0, 60.0, 10.0)),), **frame),
        sample("b", Task.DETECTION, (), **frame),
        sample("c", Task.DETECTION, (), **frame),
        sample("d", Task.DETECTION, ()),
        sample("e", Task.DETECTION, (), box_frame=[100, 100]),
    ]
    said = [
        Prediction("a", "[[10,10,30,20]]"),
        Prediction("b", "[]"),
        Prediction("c", "?"),
        Prediction("d", "[[1,2,3,4]]"),
        Prediction("e", "[]"),
    ]
    by_task, answers = read_answers(asked, said)
    found = by_task["detection"]
    assert isinstance(found, BoxAnswers)
    assert found.truth[0].tolist() == [[20.0, 5.0, 60.0, 10.0]]
    assert found.answer[0].tolist() == [[20.0, 5.0, 60.0, 10.0]]
    assert found.answer[1].shape == (0, 4) == found.truth[1].shape
    assert found.answer[2] is None
    assert found.answer[3].tolist() == [[1.0, 2.0, 3.0, 4.0]]
    assert found.status == [Status.OK, Status.OK, Status.UNPARSABLE, Status.OK, Status.ERROR]
    assert answers[4].rule == "image_size_unknown"


def test_numbers_with_bounds_and_unit():
    asked = [
        sample("a", Task.COUNTING, 3, bounds=(0, 9)),
        sample("b", Task.COUNTING, 5, bounds=(0, 9)),
        sample("c", Task.REGRESSION, 2.5, unit="mm"),
    ]
    by_task, _ = read_answers(asked, [Prediction("a", "three"), Prediction("b", "many"), Prediction("c", "0.25 cm")])
    counts = by_task["counting"]
    assert isinstance(counts, NumberAnswers)
    assert counts.answer[0] == 3.0
    assert np.isnan(counts.answer[1])
    assert counts.bounds == (0.0, 9.0)
    assert counts.status == [Status.OK, Status.UNPARSABLE]
    assert by_task["regression"].answer.tolist() == [2.5]
    assert (by_task["regression"].bounds, by_task["regression"].unit) == ((2.5, 2.5), "mm")


def test_faulty_samples_are_named():
    with pytest.raises(TableError, match=r"sample a: its target 'wart' is none of its choices \(melanoma, nevus\)\."):
        read_answers([sample("a", target="wart")], [])
    with pytest.raises(TableError, match=r"regression samples are in several units \('cm', 'mm'\)"):
        read_answers([sample("a", Task.REGRESSION, 1.0, unit="mm"), sample("b", Task.REGRESSION, 1.0, unit="cm")], [])


def test_texts_and_label_sets_have_answers_but_no_columns():
    asked = [
        Sample("a", "p", Task.CAPTION, "?", "x"),
        Sample("b", "p", Task.MULTILABEL, "?", ("crust",), choices=("crust", "scale")),
    ]
    by_task, answers = read_answers(asked, [Prediction("a", "brown"), Prediction("b", "crust")])
    assert by_task == {}
    assert [answer.value for answer in answers] == ["brown", ("crust",)]
    end = "questions were asked, and no figure is computed from the answers: this task is not scored yet."
    assert unscored(asked) == [f"multilabel: 1 {end}", f"caption: 1 {end}"]
    assert unscored([sample("a")]) == []


def test_the_phantom_declares_the_range_of_its_numbers():
    asked = load("test", tasks=["counting", "regression"], limit=12)
    by_task, _ = read_answers(asked, [Prediction(one.id, "?") for one in asked])
    assert by_task["counting"].bounds == (0.0, 3.0)
    assert by_task["regression"].bounds == (0.0, 20.0)
    assert np.isnan(by_task["regression"].answer).all()
    assert inferred_bounds(asked) == []


def test_without_bounds_the_range_is_inferred_and_said_to_be():
    asked = [sample("a", Task.COUNTING, 3), sample("b", Task.COUNTING, 5), sample("c")]
    by_task, _ = read_answers(asked, [Prediction("a", "3"), Prediction("b", "many")])
    assert by_task["counting"].bounds == (3.0, 5.0)
    assert inferred_bounds(asked) == [
        "counting: no bounds are declared, so the range that an unreadable answer costs is inferred from the targets."
    ]


def test_an_unreadable_number_is_never_free():
    asked = [sample("a", Task.COUNTING, 2), sample("b", Task.COUNTING, 2)]
    assert read_answers(asked, [Prediction("a", "2"), Prediction("b", "3")])[0]["counting"].bounds == (2.0, 2.0)
    with pytest.raises(
        TableError, match=r"counting: 1 of 2 answers could not be read and no bounds are declared.*Declare bounds="
    ):
        read_answers(asked, [Prediction("a", "2"), Prediction("b", "many")])
    for bounds in ((3, 3), (5, 1), (0, float("inf"))):
        with pytest.raises(TableError, match=r"counting samples declare bounds=.*, which is no range"):
            read_answers([sample("a", Task.COUNTING, 2, bounds=bounds)], [Prediction("a", "2")])
