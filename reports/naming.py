"""Names a reader knows: of metrics, of groups, and of the families that metrics are shown in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

Group = Mapping[str, str] | None
GroupKey = tuple[tuple[str, str], ...]

_METRICS = {
    "auroc": "AUROC",
    "average_precision": "Average precision",
    "brier": "Brier score",
    "ece": "ECE",
    "ece_debiased": "ECE, debiased",
    "smooth_ece": "Smooth ECE",
    "nll": "Negative log-likelihood",
    "f1": "F1",
    "f1_macro": "Macro-F1",
    "f1_iou_50": "Box F1 at IoU 0.5",
    "precision_iou_50": "Box precision at IoU 0.5",
    "recall_iou_50": "Box recall at IoU 0.5",
    "map": "mAP",
    "map_50": "mAP at IoU 0.5",
    "map_75": "mAP at IoU 0.75",
    "mcc": "Matthews correlation",
    "mae": "Mean absolute error",
    "mae_readable": "Mean absolute error, readable only",
    "count_accuracy": "Exact counts",
    "count_mae": "Mean absolute error of counts",
    "count_mae_readable": "Mean absolute error of counts, readable only",
    "rmse": "Root mean square error",
    "r2": "R²",
}
_ABBREVIATIONS = {
    "auroc": "AUROC",
    "ece": "ECE",
    "iou": "IoU",
    "f1": "F1",
    "map": "mAP",
    "mae": "MAE",
    "rmse": "RMSE",
}
_ATTRIBUTES = {"fitzpatrick": "Skin type", "sex": "Sex", "age": "Age", "site": "Body site", "age_band": "Age"}
_SKIN_TYPES = ("I", "II", "III", "IV", "V", "VI")
_BANDED = re.compile(r"^(?P<base>[^\[\]]+)\[(?P<klass>.+)\]$")


@dataclass(frozen=True, slots=True)
class Family:
    """Metrics that belong in one table.

    Attributes:
        title: Heading of the table.
        task: Task whose coverage stands beside them; empty when the record must tell.
        metrics: Their names, in the order shown.
    """

    title: str
    task: str
    metrics: tuple[str, ...]


FAMILIES = (
    Family("Diagnosis", "classification", ("balanced_accuracy", "accuracy", "f1_macro", "auroc", "mcc")),
    Family(
        "Positive class", "classification", ("sensitivity", "specificity", "precision", "recall", "f1", "average_precision")
    ),
    Family("Calibration", "classification", ("brier", "ece_debiased", "smooth_ece", "ece", "nll")),
    Family("Boxes", "detection", ("f1_iou_50", "precision_iou_50", "recall_iou_50", "map", "map_50", "map_75")),
    Family("Counts", "counting", ("count_accuracy", "count_mae", "count_mae_readable")),
    Family("Measurements", "regression", ("mae", "mae_readable", "rmse", "r2", "within_5")),
)
_UNBOUNDED = re.compile(r"(^|_)(mae|rmse|nll)(_|$)")


def metric_label(metric: str) -> str:
    """Return a metric's name for readers: ``recall[nevus]`` is "Recall, nevus", ``multilabel/f1_macro`` "Macro-F1 (multilabel)"."""
    task, name = split_task(metric)
    base, klass = split_class(name)
    label = _METRICS.get(base) or _spoken(base)
    return label + (f", {klass}" if klass else "") + (f" ({task})" if task else "")


def split_task(metric: str) -> tuple[str, str]:
    """Split ``multilabel/f1_macro`` into ``("multilabel", "f1_macro")``; the task is empty for a metric only one task has."""
    task, slash, name = metric.partition("/")
    return (task, name) if slash and "[" not in task else ("", metric)


def is_bounded(metric: str) -> bool:
    """Say whether a metric lies between -1 and 1, so that its gaps can share an axis with others' and cannot exceed 1."""
    return not _UNBOUNDED.search(split_task(metric)[1])


def split_class(metric: str) -> tuple[str, str]:
    """Split ``recall[melanoma]`` into ``("recall", "melanoma")``; the class is empty for a metric without one."""
    match = _BANDED.match(metric)
    return (match["base"], match["klass"]) if match else (metric, "")


def _spoken(name: str) -> str:
    words = [_ABBREVIATIONS.get(word, word) for word in name.split("_") if word]
    text = " ".join(words)
    return text[:1].upper() + text[1:] if words and words[0] == words[0].lower() else text


def group_key(group: Group) -> GroupKey:
    """Return a group as something hashable; ``()`` stands for everybody."""
    return tuple(sorted((str(k), str(v)) for k, v in (group or {}).items()))


def attribute_label(attribute: str) -> str:
    """Return an attribute's name for readers: ``fitzpatrick`` is "Skin type"."""
    return _ATTRIBUTES.get(attribute) or _spoken(attribute)


def value_label(attribute: str, value: str) -> str:
    """Return a group's value for readers; ranges get an en dash."""
    if value == "unknown":
        return "unknown"
    return value.replace("-", "–") if attribute in {"fitzpatrick", "age", "age_band"} else value


def group_label(group: Group) -> str:
    """Return a group's full name, e.g. "Skin type IV–VI" or "Everybody"."""
    if not group:
        return "Everybody"
    return ", ".join(f"{attribute_label(k)} {value_label(k, v)}" for k, v in sorted(group.items()))


def group_phrase(attribute: str, value: str) -> str:
    """Return a group inside a sentence: "skin types IV–VI", "sex male"."""
    noun = attribute_label(attribute)
    plural = "s" if attribute == "fitzpatrick" and "-" in value else ""
    return f"{noun[:1].lower()}{noun[1:]}{plural} {value_label(attribute, value)}"


def group_order(key: GroupKey) -> tuple[int, str, int, str]:
    """Sort key: everybody, skin-type bands, single skin types, then other attributes; unknown last in each."""
    if not key:
        return (0, "", 0, "")
    if len(key) == 1 and key[0][0] == "fitzpatrick":
        value = key[0][1]
        if value in _SKIN_TYPES:
            return (2, "", _SKIN_TYPES.index(value), "")
        return (2, "", 9, value) if value == "unknown" else (1, "", 0, value)
    attributes = " ".join(k for k, _ in key)
    values = " ".join(v for _, v in key)
    rank = {"sex": 3, "age": 4, "age_band": 4}.get(attributes, 5)
    return (rank, attributes, 9 if "unknown" in values else 0 if values.startswith("<") else 1, values)


def single_skin_type(key: GroupKey) -> str:
    """Return ``"I"`` to ``"VI"`` for a group of one skin type, else an empty text."""
    return key[0][1] if len(key) == 1 and key[0][0] == "fitzpatrick" and key[0][1] in _SKIN_TYPES else ""
