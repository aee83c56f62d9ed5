"""Reading boxes: JSON in every wrapping, and nothing where there is none."""

import pytest

from harness.parsing import read
from harness.types import Answer, Status, Task

ONE = (("", (1.0, 2.0, 3.0, 4.0)),)


def boxes(text):
    return read(Task.DETECTION, text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("[[1,2,3,4]]", ONE),
        ("[1, 2, 3, 4]", ONE),
        ("[[[1,2,3,4]]]", ONE),
        ("[[1,2,3,4]] [[1,2,3,4]]", ONE),
        ("Here it is [see below]:\n```json\n[[1,2,3,4]]\n```\nDone.", ONE),
        ('{"boxes": [[1,2,3,4]]}', ONE),
        ('[{"bbox_2d": [1,2,3,4], "label": "nevus"}]', (("nevus", (1.0, 2.0, 3.0, 4.0)),)),
        ('{"bbox": [1,2,3,4], "class": "nevus"}', (("nevus", (1.0, 2.0, 3.0, 4.0)),)),
        ("[1,2,3,4]\n[5,6,7.5,8]", (*ONE, ("", (5.0, 6.0, 7.5, 8.0)))),
        ("[[5,5,5,9]]", (("", (5.0, 5.0, 5.0, 9.0)),)),
        ("[]", ()),
        ('{"detections": []}', ()),
    ],
)
def test_reads(text, value):
    answer = boxes(text)
    assert (answer.value, answer.status, answer.rule) == (value, Status.OK, "json_boxes")
    assert text[answer.span[0]] in "[{"
    assert text[answer.span[1] - 1] in "]}"


@pytest.mark.parametrize("text", ["No lesions found.", "None", "There are no visible lesions in the image."])
def test_nothing_found_in_words_is_an_empty_answer(text):
    assert boxes(text) == Answer((), Status.OK, "nothing_found", (0, len(text)))


@pytest.mark.parametrize(
    ("text", "status", "rule"),
    [
        ("[[1,2,3", Status.TRUNCATED, "json_truncated"),
        ("[[1,2,3,4],", Status.TRUNCATED, "json_truncated"),
        ('[{"bbox": [1,2,3,4], "label": "ne', Status.TRUNCATED, "json_truncated"),
        ("```json\n[[1,2,3,4], [5, -", Status.TRUNCATED, "json_truncated"),
        ("[[1,2,3]]", Status.UNPARSABLE, "not_four_numbers"),
        ("[[1,2,3,4],[1,2,3,null]]", Status.UNPARSABLE, "not_four_numbers"),
        ('[[1,2,3,"4"]]', Status.UNPARSABLE, "not_four_numbers"),
        ("[[]]", Status.UNPARSABLE, "not_four_numbers"),
        ("[[NaN,1,2,3]]", Status.UNPARSABLE, "box_not_finite"),
        ("[[0,1,2,1e999]]", Status.UNPARSABLE, "box_not_finite"),
        ("[[4,3,2,1]]", Status.UNPARSABLE, "box_reversed"),
        ("[[1,2,3,4]] then [[5,6,7,8]]", Status.UNPARSABLE, "several_lists"),
        ('{"lesion": "left"}', Status.UNPARSABLE, "no_boxes"),
        ("on the left", Status.UNPARSABLE, "no_boxes"),
        ("No idea.", Status.UNPARSABLE, "no_boxes"),
        ("[" * 40_000, Status.UNPARSABLE, "no_boxes"),
        ("I cannot draw boxes.", Status.REFUSED, "refusal"),
        ("", Status.EMPTY, "empty"),
    ],
)
def test_does_not_guess(text, status, rule):
    assert boxes(text) == Answer(None, status, rule)


def test_whole_looking_boxes_of_a_truncated_answer_stay_truncated():
    assert read(Task.DETECTION, "[[1,2,3,4]]", status=Status.TRUNCATED) == Answer(None, Status.TRUNCATED, "adapter")
