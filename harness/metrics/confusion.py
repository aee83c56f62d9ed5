"""Metrics of closed answers that are functions of the confusion matrix.

An answer that could not be read is wrong: a miss for its true class and nobody's false positive. Definitions are scikit-learn's
(``precision_recall_fscore_support``, ``balanced_accuracy_score``); where scikit-learn puts 0 for 0 / 0, the value here is undefined.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from harness.answers import ClassAnswers
from harness.metrics.base import (
    Additive,
    Columns,
    Family,
    Floats,
    Ints,
    Kernel,
    Layout,
    Mask,
    Metric,
    Support,
    divide,
    mean_defined,
)


def confusion_family(answers: ClassAnswers) -> Family:
    """Return accuracy, balanced accuracy, macro-F1, sensitivity, specificity and per-class precision, recall, F1."""
    size = len(answers.classes)
    cells = answers.truth * (size + 1) + np.where(answers.answer < 0, size, answers.answer)
    positive = np.isin(answers.classes, answers.positive)
    metrics = _metrics(answers, positive)

    def statistics(rows: Ints) -> Columns:
        return [(cells[rows], np.ones(len(rows)))]

    def finish(sums: Floats) -> Floats:
        counts = np.moveaxis(sums.reshape(len(sums), size, size + 1, -1), 0, 2)
        return _values(counts, positive, binary=is_binary(answers))

    def prepare(layout: Layout) -> Kernel:
        return Additive(layout, statistics, size * (size + 1), finish)

    return Family(metrics, prepare, lambda: _reference(answers, positive))


def is_binary(answers: ClassAnswers) -> bool:
    """Two classes, one of them declared positive."""
    return len(answers.classes) == 2 and len(answers.positive) == 1


def present_classes(answers: ClassAnswers) -> list[int]:
    """Classes that occur in the truth or among the answers."""
    return sorted({*np.unique(answers.truth).tolist(), *np.unique(answers.answer[answers.answer >= 0]).tolist()})


def class_support(answers: ClassAnswers) -> tuple[Support, ...]:
    """One support a class that occurs in the truth: what macro averages rest on."""
    return tuple(
        Support(f"with true class {answers.classes[c]}", answers.truth == c) for c in np.unique(answers.truth).tolist()
    )


def _metrics(answers: ClassAnswers, positive: Mask) -> tuple[Metric, ...]:
    truth, answer = answers.truth, answers.answer
    everybody = np.ones(len(truth), bool)
    by_class = class_support(answers)

    def macro(name: str) -> Metric:
        return Metric(name, True, (0.0, 1.0), everybody, by_class)

    metrics = [share("accuracy", "", everybody, truth == answer), macro("balanced_accuracy"), macro("f1_macro")]
    if positive.any():
        ill, called_ill = positive[truth], np.append(positive, False)[answer]
        called_well = np.append(~positive, False)[answer]
        names = ", ".join(answers.positive)
        metrics.append(share("sensitivity", f"with a positive truth ({names})", ill, called_ill))
        metrics.append(share("specificity", "with a negative truth", ~ill, called_well))
    binary = is_binary(answers)
    for c, name in enumerate(answers.classes):
        headline = binary and bool(positive[c])
        recall_is = _recall_is(positive, c)
        metrics += _class_metrics(f"[{name}]", name, truth == c, answer == c, recall_is, headline=headline)
    if binary:
        c = int(np.flatnonzero(positive)[0])
        metrics += _class_metrics("", answers.classes[c], truth == c, answer == c, "sensitivity")
    return tuple(metrics)


def _recall_is(positive: Mask, c: int) -> str:
    """The name that a class's recall already goes by: of the only positive class sensitivity, of the only negative one specificity."""
    alone = int(np.sum(positive == positive[c])) == 1 and bool(positive.any())
    return "" if not alone else "sensitivity" if positive[c] else "specificity"


def _class_metrics(
    suffix: str, name: str, true: Mask, answered: Mask, recall_is: str, *, headline: bool = False
) -> list[Metric]:
    """Metrics of one class; `headline` says that they are also given without a suffix."""
    precision = share(f"precision{suffix}", f"answered {name}", answered, true)
    recall = share(f"recall{suffix}", f"with true class {name}", true, answered)
    f1 = Metric(f"f1{suffix}", True, (0.0, 1.0), true | answered, (Support(f"with true class {name}", true),))
    return [
        replace(precision, alias_of="precision" if headline else ""),
        replace(recall, alias_of=recall_is),
        replace(f1, alias_of="f1" if headline else ""),
    ]


def share(name: str, label: str, included: Mask, success: Mask) -> Metric:
    """Declare a metric that is a share of the included rows."""
    return Metric(name, True, (0.0, 1.0), included, (Support(label, included),), success & included)


def _values(counts: Floats, positive: Mask, *, binary: bool) -> Floats:
    """Turn ``(C, C + 1, ...)`` counts (last column: unread) into ``(metrics, ...)`` values."""
    size = len(counts)
    true, answered = counts.sum(axis=1), counts[:, :size].sum(axis=0)
    hits = np.stack([counts[c, c] for c in range(size)])
    precision, recall, f1 = divide(hits, answered), divide(hits, true), divide(2 * hits, true + answered)
    values = [divide(hits.sum(axis=0), true.sum(axis=0)), mean_defined(recall), mean_defined(f1)]
    if positive.any():
        ill, well = np.flatnonzero(positive), np.flatnonzero(~positive)
        values.append(divide(counts[np.ix_(ill, ill)].sum(axis=(0, 1)), true[ill].sum(axis=0)))
        values.append(divide(counts[np.ix_(well, well)].sum(axis=(0, 1)), true[well].sum(axis=0)))
    for c in range(size):
        values += [precision[c], recall[c], f1[c]]
    if binary:
        c = int(np.flatnonzero(positive)[0])
        values += [precision[c], recall[c], f1[c]]
    return np.stack(values)


def _reference(answers: ClassAnswers, positive: Mask) -> Mapping[str, float]:
    """The same by scikit-learn; unread answers are the label -1, which is left out of averages."""
    from sklearn.metrics import accuracy_score, precision_recall_fscore_support, recall_score

    truth, answer = answers.truth, answers.answer
    if len(truth) == 0:
        return {}
    labels = list(range(len(answers.classes)))
    scores = precision_recall_fscore_support(truth, answer, labels=labels, zero_division=np.nan)
    # F1 by scikit-learn is 0 / 0 only where a class is absent from both sides.
    absent = [c not in present_classes(answers) for c in labels]
    by_class = {
        "precision": scores[0],
        "recall": np.where(scores[3] > 0, scores[1], np.nan),
        "f1": np.where(absent, np.nan, np.nan_to_num(scores[2])),
    }
    true_labels = np.unique(truth)
    found = {
        "accuracy": accuracy_score(truth, answer),
        "balanced_accuracy": recall_score(truth, answer, labels=true_labels, average="macro", zero_division=0),
        "f1_macro": precision_recall_fscore_support(
            truth, answer, labels=present_classes(answers), average="macro", zero_division=0
        )[2],
    }
    if positive.any():
        ill, well = positive[truth], ~positive[truth]
        found["sensitivity"] = recall_score(ill, np.append(positive, False)[answer], zero_division=np.nan)
        found["specificity"] = recall_score(well, np.append(~positive, False)[answer], zero_division=np.nan)
    for name, values in by_class.items():
        found |= {f"{name}[{answers.classes[c]}]": values[c] for c in labels}
        if is_binary(answers):
            found[name] = values[int(np.flatnonzero(positive)[0])]
    return {name: float(value) for name, value in found.items()}
