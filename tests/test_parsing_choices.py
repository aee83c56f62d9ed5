"""Reading closed questions: what names a choice, what does not, and what the field gets wrong."""

import pytest

from harness.parsing import read
from harness.types import Answer, Status, Task

LESIONS = ("melanoma", "nevus", "basal cell carcinoma", "other", "melanoma in situ")
SIDES = ("benign", "malignant")
LETTERS = ("A", "B", "C", "D", "E")


def choice(text, choices=LESIONS, **metadata):
    return read(Task.CLASSIFICATION, text, choices=choices, metadata=metadata)


@pytest.mark.parametrize(
    ("text", "value", "rule"),
    [
        ("nevus", "nevus", "choice_text"),
        ("  NEVUS.\n", "nevus", "choice_text"),
        ("basal_cell  Carcinoma", "basal cell carcinoma", "choice_text"),
        ("This is most likely a nevus of the arm.", "nevus", "choice_text"),
        ("It is a melanoma in situ", "melanoma in situ", "choice_text"),
        ("B", "nevus", "letter"),
        ("**b**", "nevus", "letter"),
        ("(B)", "nevus", "letter"),
        ("B) nevus", "nevus", "letter"),
        ("B: nevus", "nevus", "letter"),
        ("B - nevus", "nevus", "letter"),
        ("I would go for option C here", "basal cell carcinoma", "letter"),
        ("\\boxed{B}", "nevus", "letter"),
        ("Asymmetry is seen. The best fit is:\n\n**B. nevus**", "nevus", "letter"),
        ("The answer is (B).", "nevus", "final_answer"),
        ("Answer:\n**B**", "nevus", "final_answer"),
        ("answer B", "nevus", "final_answer"),
        ("It may be melanoma or nevus. Final answer: nevus", "nevus", "final_answer"),
        ("The answer is melanoma. No, wait. Final answer: nevus", "nevus", "final_answer"),
        ("It may be melanoma or nevus.\n\nnevus", "nevus", "final_line"),
        ("<think>melanoma? other?</think>\nnevus", "nevus", "choice_text"),
        ("assistant\nnevus", "nevus", "choice_text"),
        ("A melanoma is seen", "melanoma", "choice_text"),
    ],
)
def test_reads(text, value, rule):
    answer = choice(text)
    assert (answer.value, answer.status, answer.rule) == (value, Status.OK, rule)
    start, end = answer.span
    assert text[start:end].lower() in value.lower() or text[start:end].lower() in "abcde" or rule == "choice_text"


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("melanoma or nevus", "several_choices"),
        ("B: melanoma", "several_choices"),
        ("The answer is A or B", "several_choices"),
        ("The answer is A.\nThe answer is B.", "several_choices"),
        ("answer F", "no_such_option"),
        ("F", "no_such_option"),
        ("The answer is H.", "no_such_option"),
        ("a rash", "no_choice_named"),
        ("?", "no_choice_named"),
        ("A. melanoma: dark\nB. nevus: round\nC. basal cell carcinoma: pearly", "several_choices"),
        ("nevus " * 20_000, "too_long"),
    ],
)
def test_does_not_guess(text, rule):
    assert choice(text) == Answer(None, Status.UNPARSABLE, rule)


def test_malignant_answer_f_is_not_a():
    text = "This is a malignant lesion, answer F"
    for choices in (LETTERS, SIDES, ("A) benign", "B) malignant")):
        assert choice(text, choices) == Answer(None, Status.UNPARSABLE, "no_such_option")


def test_not_benign_it_is_malignant_is_malignant():
    for text in (
        "not benign, it is malignant",
        "It isn't benign; this is malignant.",
        "malignant, not benign",
        "malignant not benign",
    ):
        assert choice(text, SIDES).value == "malignant"


@pytest.mark.parametrize(
    "text",
    [
        "not malignant",
        "non-malignant",
        "no evidence of a malignant process",
        "The lesion is unlikely to be malignant",
        "neither benign nor malignant",
        "malignant: no",
        "malignant is unlikely",
        "If malignant, refer.",
    ],
)
def test_a_negated_choice_is_not_that_choice_nor_the_other(text):
    assert choice(text, SIDES) == Answer(None, Status.UNPARSABLE, "no_choice_named")


@pytest.mark.parametrize(
    ("text", "choices", "value"),
    [
        ("not (B)", LESIONS, None),
        ("Answer: not B", LESIONS, None),
        ("I don't think this is a nevus. I think it's melanoma.", LESIONS, "melanoma"),
        ("There is no doubt about it", ("yes", "no"), None),
        ("No, there is none.", ("yes", "no"), "no"),
        ("The answer is no.", ("yes", "no"), "no"),
        ("The answer is B because A is wrong", LESIONS, "nevus"),
    ],
)
def test_denials_of_letters_and_the_word_no(text, choices, value):
    assert choice(text, choices).value == value


def test_another_does_not_contain_other():
    assert choice("another picture").value is None
    assert choice("other").value == "other"


@pytest.mark.parametrize(
    "text",
    [
        "I'm sorry, I cannot diagnose melanoma.",
        "As an AI I do not answer this.",
        "unable to determine if it is a nevus or melanoma",
    ],
)
def test_refuses_only_when_nothing_can_be_read(text):
    assert choice(text) == Answer(None, Status.REFUSED, "refusal")
    assert choice(text + "\nFinal answer: nevus").value == "nevus"


@pytest.mark.parametrize("text", ["", "  \n", "<think>melanoma</think>", "assistant:"])
def test_empty(text):
    assert choice(text) == Answer(None, Status.EMPTY, "empty")


def test_unfinished_reasoning_is_truncated():
    assert choice("<think>it could be a nevus") == Answer(None, Status.TRUNCATED, "reasoning_unfinished")


@pytest.mark.parametrize("status", [Status.ERROR, Status.EMPTY, Status.TRUNCATED, Status.REFUSED])
def test_the_adapters_status_stays(status):
    assert read(Task.CLASSIFICATION, "nevus", choices=LESIONS, status=status) == Answer(None, status, "adapter")


def test_letters_of_a_question_that_had_none_are_not_read():
    assert choice("B", letters=False).value is None
    assert choice("B: melanoma", letters=False).value == "melanoma"


def test_lettered_choices_are_read_by_letter_and_by_text():
    lettered = ("A) nevus", "B) melanoma")
    assert [choice(text, lettered).value for text in ("B", "melanoma", "B. melanoma")] == ["B) melanoma"] * 3
    assert choice("the answer is C", lettered).rule == "no_such_option"


def test_choices_that_are_letters_are_never_read_from_prose():
    assert choice("This is a melanoma; I see B-cells", LETTERS).value is None
    assert choice("The correct answer is A. No treatment.", LETTERS).value == "A"


def test_choices_that_are_digits_are_not_found_inside_numbers():
    assert choice("0.7", ("0", "1")).value is None
    assert choice("10%", ("0", "1", "10")).value is None
    assert choice("class 1.", ("0", "1")).value == "1"


def test_several_labels():
    answer = read(Task.MULTILABEL, "scale, crust; no ulcer", choices=("crust", "scale", "ulcer"))
    assert answer == Answer(("crust", "scale"), Status.OK, "choice_texts", (0, 12))
    assert read(Task.MULTILABEL, "None.", choices=("crust",)).value == ()
    assert read(Task.MULTILABEL, "pretty", choices=("crust",)).status is Status.UNPARSABLE


def test_captions_are_kept_and_apologies_are_not():
    assert read(Task.CAPTION, " A brown macule. ") == Answer("A brown macule.", Status.OK, "text", (1, 16))
    assert read(Task.CAPTION, "I'm sorry, but I cannot describe it.").status is Status.REFUSED


def test_a_closed_question_needs_choices():
    with pytest.raises(ValueError, match="a classification answer cannot be read without choices"):
        read(Task.CLASSIFICATION, "nevus")
