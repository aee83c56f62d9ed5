"""Answers from tables of predictions: what is read, what is assumed, and what every bad table is told."""

import math
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from harness.data.table import class_answers, join
from harness.errors import TableError
from harness.types import Status

PAD = Path(__file__).parents[1] / "../shared/data/pad_ufes20_predictions"


def two(**columns):
    base = {"id": ["a", "b", "c", "d"], "y": [0, 1, 1, 0], "p": [0.1, 0.9, 0.5, 0.4], "pat": ["P1", "P1", "P2", None]}
    return pd.DataFrame({**base, **columns})


def three(**columns):
    base = {
        "id": ["a", "b", "c"],
        "y": ["mel", "nev", "bcc"],
        "p_bcc": [0.1, 0.2, 0.7],
        "p_mel": [0.8, 0.3, 0.2],
        "p_nev": [0.1, 0.5, 0.1],
    }
    return pd.DataFrame({**base, **columns})


def refused(frame, *parts, **settings):
    with pytest.raises(TableError) as caught:
        class_answers(frame, **{"id": "id", "target": "y", **settings})
    for part in parts:
        assert part in str(caught.value)


def test_zero_and_one_with_a_score():
    notes = []
    found = class_answers(two(), id="id", target="y", score="p", cluster="pat", note=notes.append)
    assert found.classes == ("0", "1")
    assert found.positive == ("1",)
    assert found.truth.tolist() == [0, 1, 1, 0]
    assert found.answer.tolist() == [0, 1, 1, 0]  # .5 counts as positive
    assert found.probabilities[:, 1].tolist() == [0.1, 0.9, 0.5, 0.4]
    assert found.units.ids.tolist() == ["a", "b", "c", "d"]
    assert found.units.clusters.tolist() == ["P1", "P1", "P2", "(no pat) d"]
    assert set(found.status) == {Status.OK}
    assert notes == ["Column 'pat' names no patient in 1 rows: each of them counts as a patient of its own."]


def test_what_is_not_given_is_said():
    notes = []
    found = class_answers(two(), target="y", score="p", note=notes.append)
    assert found.units.ids.tolist() == ["1", "2", "3", "4"] == found.units.clusters.tolist()
    assert notes[0] == "No id= was given: rows are numbered from 1."
    assert notes[1].startswith("No cluster= was given: every row counts as a patient of its own")


@pytest.mark.parametrize(
    "spelling",
    [
        [0, 1, 1, 0],
        [0.0, 1.0, 1.0, 0.0],
        ["0", "1", "1", "0"],
        ["0.0", "1.0", "1.0", "0.0"],
        [False, True, True, False],
        ["False", "True", "True", "False"],
    ],
)
def test_labels_are_compared_in_one_spelling(spelling):
    found = class_answers(two(q=spelling), id="id", target="y", prediction="q")
    assert found.answer.tolist() == [0, 1, 1, 0]
    assert found.probabilities is None


def test_the_positive_class_may_come_first():
    frame = two(y=["mel", "nev", "nev", "mel"])
    found = class_answers(frame, id="id", target="y", score="p", positive="mel")
    assert found.probabilities[:, 0].tolist() == [0.1, 0.9, 0.5, 0.4]
    assert found.answer.tolist() == [1, 0, 0, 1]


def test_many_classes_by_name_by_order_and_by_mapping():
    for settings in (
        {"scores": ["p_mel", "p_nev", "p_bcc"]},
        {"scores": ["p_bcc", "p_mel", "p_nev"], "choices": ["bcc", "mel", "nev"]},
        {"scores": {"mel": "p_mel", "bcc": "p_bcc", "nev": "p_nev"}},
    ):
        found = class_answers(three(), id="id", target="y", **settings)
        assert found.classes == ("bcc", "mel", "nev")
        assert found.probabilities[0].tolist() == pytest.approx([0.1, 0.8, 0.1])
        assert found.answer.tolist() == [1, 2, 0]
    plain = three().rename(columns={"p_bcc": "s0", "p_mel": "s1", "p_nev": "s2"})
    assert class_answers(
        plain, id="id", target="y", scores=["s0", "s1", "s2"], choices=["bcc", "mel", "nev"]
    ).answer.tolist() == [1, 2, 0]


def test_names_of_score_columns_overrule_their_order_and_say_so():
    notes = []
    found = class_answers(
        three(), id="id", target="y", scores=["p_mel", "p_nev", "p_bcc"], choices=["nev", "mel", "bcc"], note=notes.append
    )
    assert found.answer.tolist() == [1, 0, 2]
    assert (
        "scores= were matched to the classes by name, not in the order given: nev = p_nev, mel = p_mel, bcc = p_bcc." in notes
    )


def test_rounded_probabilities_are_rescaled():
    found = class_answers(three(p_mel=[0.805, 0.3, 0.2]), id="id", target="y", scores=["p_bcc", "p_mel", "p_nev"])
    assert found.probabilities.sum(axis=1).tolist() == pytest.approx([1.0, 1.0, 1.0], abs=1e-15)


def test_predictions_that_are_texts_go_through_the_parser():
    notes = []
    texts = ["The answer is mel.", "NEV", "", "I cannot tell."]
    frame = pd.DataFrame({"id": list("abcd"), "y": ["mel", "nev", "nev", "mel"], "q": texts})
    found = class_answers(frame, id="id", target="y", prediction="q", note=notes.append)
    assert found.answer.tolist() == [0, 1, -1, -1]
    assert found.status == [Status.OK, Status.OK, Status.EMPTY, Status.REFUSED]
    assert "Column 'q': 2 predictions are not labels and were read as text." in notes
    assert "Column 'q': 1 predictions are empty." in notes
    unread = class_answers(
        frame.assign(q=["mel", "nev", "rash", "rash"]), id="id", target="y", prediction="q", note=notes.append
    )
    assert unread.status[2:] == [Status.UNPARSABLE] * 2
    assert notes[-1] == (
        "Column 'q': 2 predictions name none of the classes. "
        "They count as unparsable or refused; if they are classes, give choices=[...]."
    )


def test_a_status_column_explains_missing_answers():
    frame = two(q=["0", "1", None, None], p=[0.1, 0.9, None, None], s=["ok", "", "Error", "refused"])
    found = class_answers(frame, id="id", target="y", prediction="q", score="p", status="s")
    assert found.status == [Status.OK, Status.OK, Status.ERROR, Status.REFUSED]
    assert found.answer.tolist() == [0, 1, -1, -1]
    assert np.isnan(found.probabilities[2:]).all()
    assert class_answers(frame.assign(s="error"), id="id", target="y", score="p", status="s").answer.tolist() == [-1] * 4


def test_scores_of_rows_that_did_not_answer_are_not_used():
    """The declared worst case holds for every failed row, whatever is left in its score columns."""
    notes = []
    frame = two(s=["ok", "refused", "truncated", "ok"], p=[0.1, 0.9, -1.0, 0.4])
    found = class_answers(frame, id="id", target="y", score="p", status="s", note=notes.append)
    assert np.isnan(found.probabilities).any(axis=1).tolist() == [False, True, True, False]
    assert found.answer.tolist() == [0, -1, -1, 0]
    assert "2 rows did not answer, as their status says: scores in them, if any, are not used." in notes
    for status in ("refused", "empty", "truncated", "error", "unparsable"):
        assert class_answers(frame.assign(s=status), id="id", target="y", score="p", status="s").probabilities is None
    many = three(p_bcc=[0.0, 0.2, 0.7], p_mel=[0.0, 0.3, 0.2], p_nev=[0.0, 0.5, 0.1], s=["error", "", "ok"])
    found = class_answers(many, id="id", target="y", scores=["p_bcc", "p_mel", "p_nev"], status="s")
    assert np.isnan(found.probabilities).any(axis=1).tolist() == [True, False, False]


def test_the_score_of_a_prediction_that_cannot_be_read_stays():
    notes = []
    frame = two(q=["0", "hm", None, "I cannot tell."], p=[0.1, 0.9, 0.5, None])
    found = class_answers(frame, id="id", target="y", prediction="q", score="p", note=notes.append)
    assert found.status == [Status.OK, Status.UNPARSABLE, Status.EMPTY, Status.REFUSED]
    assert found.answer.tolist() == [0, -1, -1, -1]
    assert found.probabilities[:3, 1].tolist() == [0.1, 0.9, 0.5]
    assert np.isnan(found.probabilities[3]).all()
    assert "2 predictions could not be read but have a score: they count as wrong answers, and their score is used." in notes


SECRET = "Jane Doe, MRN 1234"


def test_no_note_and_no_group_tells_what_a_cell_holds():
    """Notes go into result.json, reports and MLflow with privacy on; so do the names of groups."""
    notes = []
    frame = two(
        q=[f"{SECRET} says nothing", f"I cannot assess {SECRET}", "The answer is 1, " + SECRET, None],
        fst=[SECRET, "III", "V", "?"],
        sex=[SECRET, "f", "m", "unknown"],
        age=[SECRET, "30", "150", None],
        id=[SECRET, "b", "c", "d"],
        pat=[SECRET, "P1", None, None],
    )
    found = class_answers(
        join(frame, frame.iloc[1:].assign(extra=SECRET), on="id", note=notes.append),
        id="id",
        target="y",
        prediction="q",
        groups={"fitzpatrick": "fst", "sex": "sex", "age": "age"},
        cluster="pat",
        note=notes.append,
    )
    assert len(notes) == 9
    assert not [note for note in notes if "Jane" in note or "MRN" in note or "150" in note]
    assert [found.units.attributes[name][0] for name in ("fitzpatrick", "sex", "age")] == [None] * 3
    assert (
        "sex is unknown in 2 of 4 rows; 2 of them hold something in column 'sex' that is no known sex (male, female, m, f)."
        in notes
    )


@pytest.mark.parametrize("cells", [[True, False, True, "IV"], ["True", "False", "True", "IV"]])
def test_booleans_are_no_skin_type_age_or_sex(cells):
    groups = {"fitzpatrick": "b", "sex": "g", "age": "a"}
    frame = two(b=cells, g=[*cells[:3], "f"], a=[*cells[:3], 40])
    found = class_answers(frame, id="id", target="y", score="p", groups=groups)
    assert found.units.attributes["fitzpatrick"].tolist() == [None, None, None, "IV"]
    assert found.units.attributes["sex"].tolist() == [None, None, None, "female"]
    assert found.units.attributes["age"].tolist() == [None, None, None, 40.0]
    for words in ({"True": "male", "False": "female"}, {"1": "male", "0": "female"}):
        found = class_answers(frame, id="id", target="y", score="p", groups={"sex": "g"}, words={"sex": words})
        assert found.units.attributes["sex"].tolist() == ["male", "female", "male", "female"]


@pytest.mark.parametrize("positive", [True, 1, 1.0, np.int64(1), np.bool_(True), "1", [True], np.array([1]), pd.Series([1.0])])
@pytest.mark.parametrize("choices", [None, [False, True], np.array([0, 1]), np.array(["0", "1"]), (0.0, 1.0)])
def test_labels_are_taken_as_they_come(positive, choices):
    found = class_answers(two(), id="id", target="y", score="p", positive=positive, choices=choices)
    assert found.classes == ("0", "1")
    assert found.positive == ("1",)


def test_groups_are_normalised_and_the_unknown_counted():
    notes = []
    frame = two(fst=[3.0, -1, None, "vi"], g=["M", "female", "", "f"], a=[30, -5, 200, None])
    found = class_answers(
        frame, id="id", target="y", score="p", groups={"fitzpatrick": "fst", "sex": "g", "age": "a"}, note=notes.append
    )
    assert found.units.attributes["fitzpatrick"].tolist() == ["III", None, None, "VI"]
    assert found.units.attributes["sex"].tolist() == ["male", "female", None, "female"]
    assert found.units.attributes["age"].tolist() == [30.0, None, None, None]
    assert (
        "fitzpatrick is unknown in 2 of 4 rows; 1 of them hold something in column 'fst' that is no known skin type (1-6 or I-VI)."
        in notes
    )
    assert "sex is unknown in 1 of 4 rows." in notes
    mapped = class_answers(
        two(fst=["12", "34", "56", "34"]),
        id="id",
        target="y",
        score="p",
        groups={"fitzpatrick": "fst"},
        words={"fitzpatrick": {"12": "I", "34": "III", "56": "V"}},
    )
    assert mapped.units.attributes["fitzpatrick"].tolist() == ["I", "III", "V", "III"]


def test_a_label_outside_the_truth_needs_choices():
    frame = three().assign(y=["mel", "nev", "mel"])
    found = class_answers(
        frame, id="id", target="y", scores=["p_bcc", "p_mel", "p_nev"], choices=["bcc", "mel", "nev"], positive=["mel", "bcc"]
    )
    assert found.classes == ("bcc", "mel", "nev")
    assert found.positive == ("mel", "bcc")
    assert class_answers(two(y=[0, 0, 0, 0]), id="id", target="y", score="p").classes == ("0", "1")
    assert class_answers(two(y=["10", "9", "10", "9"], q=["9"] * 4), id="id", target="y", prediction="q").classes == ("9", "10")


@pytest.mark.parametrize(
    ("frame", "settings", "parts"),
    [
        (two(), {}, ["Neither prediction=, score= nor scores= was given"]),
        (
            two(),
            {"score": "p", "scores": ["p"]},
            ["score= (one column, two classes) and scores= (one column a class) were both given."],
        ),
        (
            two(),
            {"score": "prob"},
            ["table has no column 'prob', which score= asks for.", "Its columns: id, y, p, pat. Set score= to one of them."],
        ),
        (two(), {"score": "p", "target": "yy"}, ["which target= asks for.", "Did you mean"]),
        (two(), {"score": "p", "groups": {"sex": "gender"}}, ["no column 'gender', which groups.sex= asks for."]),
        (
            two(id=["a", "b", "a", "c"]),
            {"score": "p"},
            ["column 'id': 1 ids occur more than once, e.g. 'a' in rows 1, 3.", "drop the repeated rows"],
        ),
        (two(id=["a", None, "c", "d"]), {"score": "p"}, ["column 'id': no id in row 2."]),
        (two(y=[0, None, 1, 1]), {"score": "p"}, ["column 'y' (target=): no label in row 2 (id 'b')."]),
        (
            two(y=["mel", "nev", "mell", "nev"]),
            {"prediction": "y", "choices": ["mel", "nev"]},
            ["'mell' is none of the choices (mel, nev) in row 3 (id 'c').", "Did you mean 'mel'?", "or add it to choices."],
        ),
        (two(y=["a"] * 4), {"prediction": "y"}, ["only one label, 'a', occurs. Give choices=[...]"]),
        (two(), {"score": "p", "choices": [0]}, ["choices= must be two or more different labels, got 0."]),
        (two(y=["a", "b", "a", "b"]), {"score": "p"}, ["say which with positive=. The classes are a, b."]),
        (two(), {"score": "p", "positive": 2}, ["positive='2' is none of the classes (0, 1)."]),
        (two(), {"score": "p", "positive": [0, 1]}, ["but positive= names 2. Name one, or give scores=[...]."]),
        (
            two(p=[0.1, math.nan, None, 0.2]),
            {"score": "p"},
            ["column 'p' (score=): no probability (empty or NaN) in rows 2 (id 'b'), 3 (id 'c').", "status=COLUMN"],
        ),
        (
            two(p=[0.1, math.inf, 0.1, 0.2]),
            {"score": "p"},
            ["an infinite value in row 2 (id 'b'). Give probabilities between 0 and 1."],
        ),
        (
            two(p=[0.1, 3.7, -2, 0.2]),
            {"score": "p"},
            ["3.7 is not between 0 and 1, in rows 2 (id 'b'), 3 (id 'c').", "sigmoid, softmax"],
        ),
        (
            two(p=["0.1", "high", "0.2", "0.1"]),
            {"score": "p"},
            ["column 'p' (score=): 'high' is not a number in row 2 (id 'b').", "decimal point"],
        ),
        (
            three(),
            {"score": "p_mel", "positive": "mel"},
            ["score='p_mel' is one probability a row, but there are 3 classes (bcc, mel, nev)."],
        ),
        (three(), {"scores": ["p_mel", "p_nev"]}, ["scores= names 2 columns (p_mel, p_nev) for 3 classes (bcc, mel, nev)."]),
        (
            three(),
            {"scores": ["p_mel", "p_nev", "p_bc"]},
            ["no column 'p_bc', which scores= asks for.", "Did you mean 'p_bcc'?"],
        ),
        (three(), {"scores": {"mel": "p_mel"}}, ["scores= names the classes 'mel', but the classes are 'bcc', 'mel', 'nev'."]),
        (
            three().rename(columns={"p_mel": "s"}),
            {"scores": ["s", "p_nev", "p_bcc"]},
            ["cannot be told from their names. Give choices=[...] in the columns' order."],
        ),
        (
            three(p_mel=[0.2, 0.3, 0.2]),
            {"scores": ["p_bcc", "p_mel", "p_nev"]},
            ["must sum to one, and sum to 0.4 in row 1 (id 'a').", "softmax"],
        ),
        (
            two(q=["0.2", "0.7", "0.9", "0.3"]),
            {"prediction": "q"},
            ["0.2, 0.7, 0.9 are numbers, and none is one of the labels (0, 1).", "give the column as score="],
        ),
        (
            two(s=["ok", "fine", "ok", "ok"]),
            {"score": "p", "status": "s"},
            ["'fine' is no status in row 2 (id 'b').", "Allowed are ok, refused, unparsable, empty, truncated, error"],
        ),
        (
            two(fst=["pale", "dark", "", None]),
            {"score": "p", "groups": {"fitzpatrick": "fst"}},
            [
                "column 'fst' (groups.fitzpatrick=): no skin type (1-6 or I-VI) in it, only 'pale', 'dark'.",
                "(words.fitzpatrick)",
            ],
        ),
        (
            two(y=[[0], [1], [1], [0]]),
            {"score": "p"},
            ["column 'y' (target=) holds lists or objects where one value a row is needed."],
        ),
    ],
)
def test_every_bad_table_is_told_column_rows_and_mend(frame, settings, parts):
    refused(frame, *parts, **settings)


def test_errors_name_the_line_of_the_file(tmp_path):
    path = tmp_path / "preds.csv"
    path.write_text("id,y,p\n" + "".join(f"r{i},{i % 2},{9 if i > 2 else 0.5}\n" for i in range(10)))
    refused(
        path,
        "preds.csv, column 'p' (score=): 9 is not between 0 and 1, in rows 4 (line 5, id 'r3'), 5 (line 6, id 'r4')",
        "and 2 more",
        score="p",
    )


def test_a_million_rows_take_seconds():
    n = 200_000
    rng = np.random.default_rng(0)
    p = rng.random(n)
    frame = pd.DataFrame(
        {
            "id": np.arange(n),
            "y": (rng.random(n) < p).astype(int),
            "p": p,
            "pat": rng.integers(0, 80_000, n),
            "fst": rng.integers(-1, 7, n),
        }
    )
    started = time.process_time()
    found = class_answers(frame, id="id", target="y", score="p", cluster="pat", groups={"fitzpatrick": "fst"})
    assert time.process_time() - started < 10.0
    assert len(found.units) == n


@pytest.mark.skipif(
    not PAD.is_dir(), reason="the real predictions (../shared/data/pad_ufes20_predictions) are not on this machine"
)
def test_real_melanoma_classifier_with_patients_from_a_second_file():
    notes = []
    rows = join(PAD / "results_baseline_predictions.csv", PAD / "metadata.csv", on="img_id", note=notes.append)
    found = class_answers(
        rows,
        id="img_id",
        target="true_label",
        prediction="predicted_label",
        score="predicted_proba",
        groups={"fitzpatrick": "fitspatrick", "sex": "gender", "age": "age"},
        cluster="patient_id",
        note=notes.append,
    )
    skin = found.units.attributes["fitzpatrick"]
    by_group = {}
    for name, types in (("I-III", ("I", "II", "III")), ("IV-VI", ("IV", "V", "VI")), ("unknown", (None,))):
        mask = np.array([value in types for value in skin])
        by_group[name] = (int(mask.sum()), int(found.truth[mask].sum()))
    assert by_group == {"I-III": (292, 9), "IV-VI": (13, 1), "unknown": (146, 0)}
    assert len(set(found.units.clusters)) == 391
    assert notes == ["fitzpatrick is unknown in 146 of 451 rows.", "sex is unknown in 146 of 451 rows."]
