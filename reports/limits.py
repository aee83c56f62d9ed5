"""What the page can and cannot say, filled from the record; what the record does not tell is marked as missing."""

from __future__ import annotations

from dataclasses import dataclass

from harness.reports.naming import group_key
from harness.reports.numbers import count, counted, fixed, is_number
from harness.reports.record import Json, View
from harness.reports.sentences import INCONCLUSIVE, coverage_sentence

MISSING_ITEM = ""
_METHODS = {
    "wilson_patients": "Wilson score intervals on the number of patients, where resamples do not vary",
    "square_and_add": "square-and-add of each group's own limits, where resamples do not vary",
    "bootstrap_centred": "percentiles of resamples moved onto the estimate, for measures that resampling biases",
    "wilson_effective_n": "Wilson score intervals on the effective sample size",
    "newcombe_effective_n": "Newcombe score intervals of differences on the effective sample size",
    "bootstrap_percentile": "percentiles of resamples",
    "bca": "bias-corrected and accelerated resamples",
}


@dataclass(frozen=True, slots=True)
class Item:
    """One line of the checklist. An empty ``says`` shows as *missing*."""

    topic: str
    says: str


def items(record: Json, view: View) -> list[Item]:
    """Return the checklist for a record."""
    return [
        Item("What was measured", _subject(record, view)),
        Item("Intended use", _told(view, "intended_use", "None beyond testing this harness.")),
        Item("Reference standard", _told(view, "reference_standard", "Known by construction.")),
        Item("Skin tone", _skin_tone(view)),
        Item("Independent units", _units(view)),
        Item("Failures", _failures(view)),
        Item("Intervals", _intervals(record, view)),
        Item("Verdicts", _verdicts(view)),
        Item(
            "Many comparisons",
            "Adjusted by Holm inside the declared family, by Benjamini-Hochberg outside it, where everything is exploratory.",
        ),
        Item(
            "Other people, other cameras",
            "The numbers hold for data like these. They say nothing about devices, clinics or populations that are not in them.",
        ),
    ]


def _subject(record: Json, view: View) -> str:
    if view.is_phantom:
        return (
            "Drawn pictures with known truth. They show whether the pipeline, the metrics and the comparisons are right, and how this "
            "model answers on drawings; they say nothing about patients."
        )
    data = view.dataset.get("title") or view.dataset.get("name", "data")
    return f"{record['model'].get('name', 'The model')} on {data}, as the settings below say."


def _told(view: View, key: str, of_a_phantom: str) -> str:
    return str(view.dataset.get(key) or (of_a_phantom if view.is_phantom else MISSING_ITEM))


def _skin_tone(view: View) -> str:
    known = unknown = 0
    for row in view.coverage:
        if row["task"] != view.coverage[0]["task"]:
            continue
        key, number = group_key(row["group"]), sum(row["counts"].values())
        if key in {(("fitzpatrick", "I-III"),), (("fitzpatrick", "IV-VI"),)}:
            known += number
        if key == (("fitzpatrick", "unknown"),):
            unknown += number
    if not known and not unknown:
        return MISSING_ITEM
    rater = _told(view, "skin_type_rater", "the drawing itself") or "missing"
    return (
        f"Fitzpatrick type known for {count(known)} of {count(known + unknown)} samples; unknown is shown as unknown, never put into "
        f"a group. Rated by: {rater}."
    )


def _units(view: View) -> str:
    estimate = next((e for e in (view.estimate(m) for m in view.metrics) if e is not None), None)
    if estimate is None:
        return MISSING_ITEM
    samples = counted(estimate["n"], "sample")
    if view.unit == "sample":
        return (
            f"{samples}. Nobody said whose they are, so each counts as its own: where one person gave several, the true intervals "
            "are wider than these."
        )
    whose = counted(estimate["n_clusters"], view.unit)
    return f"{samples} of {whose}. Each {view.unit} is resampled whole: its pictures are not independent."


def _failures(view: View) -> str:
    told = coverage_sentence(view)
    if not told:
        return MISSING_ITEM
    return f"{told[:1].upper()}{told[1:]}. Unread answers are counted and scored by the suite's rule, never dropped."


def _intervals(record: Json, view: View) -> str:
    rows = [*view.estimates.values(), *view.gaps]
    names = sorted({row["estimate"]["method"] for row in rows if row["estimate"]["method"]})
    told = "; ".join(_METHODS.get(name, name.replace("_", " ")) for name in names)
    draws = max((row["estimate"]["n_resamples"] for row in rows), default=0)
    seed = (record.get("settings") or {}).get("seed")
    drawn = f" {counted(draws, 'resample')}" + (f", seed {seed}." if seed is not None else ".") if draws else ""
    return f"{told[:1].upper()}{told[1:]}.{drawn}" if told else MISSING_ITEM


def _verdicts(view: View) -> str:
    margins = sorted({gap["margin"] for gap in view.primary if is_number(gap["margin"])})
    rule = (
        "Within margin: the interval lies inside the margin. Gap: it excludes zero. Else inconclusive, which does not mean equal; "
        "the smallest detectable difference says what these patients could have shown."
    )
    told = f" Margin ±{', ±'.join(fixed(m, 2) for m in margins)}." if margins else ""
    undecided = sum(gap["verdict"] == INCONCLUSIVE for gap in view.primary)
    return (
        rule + told + (f" Here {undecided} of {len(view.primary)} declared comparisons are inconclusive." if undecided else "")
    )
