"""Answers to closed questions from a table of predictions made elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from harness.answers import ClassAnswers, Floats, Ints
from harness.data import class_scores
from harness.data.class_predictions import STATUSES, predicted, stated
from harness.data.class_truth import positives_of, truth_of
from harness.data.files import as_table
from harness.data.frame import TableLike
from harness.data.joining import Note, no_note
from harness.data.labels import LabelsGiven
from harness.data.units import units_of
from harness.errors import TableError
from harness.types import Status

THRESHOLD = 0.5
"""Where no prediction is given, a probability of the positive class at or above this is an answer of it."""


def class_answers(
    table: TableLike,
    *,
    target: str,
    id: str | None = None,
    prediction: str | None = None,
    score: str | None = None,
    scores: Sequence[str] | Mapping[str, str] | None = None,
    positive: LabelsGiven | None = None,
    groups: Mapping[str, str] | None = None,
    cluster: str | None = None,
    status: str | None = None,
    choices: LabelsGiven | None = None,
    words: Mapping[str, Mapping[str, str]] | None = None,
    note: Note = no_note,
) -> ClassAnswers:
    """Return the answers of a table, one row an image.

    Labels are compared in one spelling (`harness.data.labels.label_text`: ``1``, ``1.0`` and ``True`` are ``"1"``). A prediction
    that is none of the labels is read as a model's text by `harness.parsing`.

    A row whose ``status`` says that the model did not answer has no probabilities, whatever its score columns hold: it takes the
    worst place in AUROC, average precision and Brier. A prediction that could not be read, though its status is ``ok``, keeps the
    probabilities given: the model did say how likely it holds each class.

    Args:
        table: A DataFrame, a `Table`, or the path of a CSV, JSONL or Parquet file.
        target: Column of true labels.
        id: Column of row ids; rows are numbered without one.
        prediction: Column of predicted labels or answer texts; an empty cell is an ``empty`` answer. Without it the score decides.
        score: Column of the positive class's probability; needs two classes.
        scores: Columns of probabilities, one a class: in the order of ``choices``, named after classes, or class to column.
        positive: The class, or classes, that count as positive. With labels 0 and 1 it is ``"1"`` unless given.
        groups: Attribute name to column, e.g. ``{"fitzpatrick": "fst", "sex": "gender"}``.
        cluster: Column of patient (or lesion) ids: what is resampled.
        status: Column that says what became of a question (``ok``, ``refused``, ``empty``, ``error``, ...); an empty cell is ``ok``.
        choices: The classes, in the order wanted. Without it, the labels of ``target``.
        words: Attribute name to the data set's own words, e.g. ``{"fitzpatrick": {"34": "III"}}``.
        note: Told what was assumed, unknown or unreadable: counts and names of columns, never ids or what a cell holds.

    Raises:
        TableError: Anything that would make a number wrong: it names column, first rows and mend.
    """
    if prediction is None and score is None and scores is None:
        raise TableError("Neither prediction=, score= nor scores= was given: say which column holds the model's answers.")
    if score is not None and scores is not None:
        raise TableError("score= (one column, two classes) and scores= (one column a class) were both given. Give one of them.")
    table = as_table(table)
    units = units_of(table, id=id, cluster=cluster, groups=groups or {}, words=words or {}, note=note)
    classes, truth = truth_of(table, target, choices, units.ids)
    positives = positives_of(positive, classes, needed=score is not None)

    states = stated(table, status, units.ids)
    valid = states == STATUSES.index(Status.OK)
    answer: Ints = np.full(len(table), -1, dtype=np.int64)
    if prediction is not None:
        answer, states = predicted(table, prediction, classes, states, note)
    answered = states == STATUSES.index(Status.OK)
    rows = class_scores.Rows(valid, answered)
    probabilities = None
    if score is not None:
        probabilities = class_scores.binary(table, score, classes, positives[0], rows, units.ids)
    elif scores is not None:
        ordered = choices is not None
        probabilities = class_scores.many(table, scores, classes, ordered=ordered, rows=rows, ids=units.ids, note=note)
    if probabilities is not None and prediction is None:
        decided = _decided(probabilities, classes, positives if score is not None else ())
        answer = np.where(answered, decided, -1)
    if probabilities is not None:
        _tell_scored(probabilities, rows, note)
        probabilities = None if np.isnan(probabilities).all() else probabilities
    return ClassAnswers(units, [STATUSES[code] for code in states.tolist()], classes, truth, answer, probabilities, positives)


def _decided(probabilities: Floats, classes: tuple[str, ...], positives: tuple[str, ...]) -> Ints:
    """Return the answers that probabilities imply: the threshold for two classes with a positive one, else the likeliest."""
    if positives:
        index = classes.index(positives[0])
        return np.where(probabilities[:, index] >= THRESHOLD, index, 1 - index)
    likeliest: Ints = np.where(np.isnan(probabilities), -1.0, probabilities).argmax(axis=1)
    return likeliest


def _tell_scored(probabilities: Floats, rows: class_scores.Rows, note: Note) -> None:
    failed = int((~rows.valid).sum())
    if failed:
        note(f"{failed} rows did not answer, as their status says: scores in them, if any, are not used.")
    kept = int((rows.valid & ~rows.answered & ~np.isnan(probabilities).any(axis=1)).sum())
    if kept:
        note(f"{kept} predictions could not be read but have a score: they count as wrong answers, and their score is used.")
