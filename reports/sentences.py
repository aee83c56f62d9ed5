"""The verdict in plain sentences, built from the record's gaps: what was found, for whom, and what these numbers could not show."""

from __future__ import annotations

from collections import Counter
from typing import Any

from harness.reports.naming import group_key, group_phrase, is_bounded, metric_label, value_label
from harness.reports.numbers import count, counted, fixed, interval, is_number
from harness.reports.record import Json, View, excludes_zero

WITHIN, GAP, INCONCLUSIVE = "within margin", "gap", "inconclusive"


def headline(view: View) -> str:
    """Return the one sentence a reader takes home, from the first primary gap."""
    if view.primary:
        gap = view.primary[0]
        return f"{_overall(view, gap['metric'])}; {_gap_clause(gap, view.unit)}."
    if view.metrics:
        return f"{_overall(view, view.metrics[0])}; groups were not compared."
    return "Nothing could be computed from these answers."


def _overall(view: View, metric: str) -> str:
    estimate = view.estimate(metric)
    name = metric_label(metric)
    if estimate is None or not is_number(estimate["value"]):
        why = _because(estimate["reason"] if estimate else "")
        return f"{name} is undefined overall{why}"
    return " ".join(
        part for part in (f"{name} is {fixed(estimate['value'], 2)}", interval(estimate["low"], estimate["high"], 2)) if part
    )


def _gap_clause(gap: Json, unit: str) -> str:
    estimate = gap["estimate"]
    compared, reference = group_phrase(gap["attribute"], gap["compared"]), value_label(gap["attribute"], gap["reference"])
    if not is_number(estimate["value"]):
        return f"it cannot be compared between {compared} and {reference}{_because(gap['reason'] or estimate['reason'])}: inconclusive"
    return f"on {compared} it is {_difference(estimate, reference)}: {_meaning(gap, unit)}"


def _difference(estimate: Json, reference: str) -> str:
    value = estimate["value"]
    places = 2 if abs(value) >= 0.005 or value == 0 else 3
    size = fixed(abs(value), places)
    bracket = interval(estimate["low"], estimate["high"], places)
    bounds = f" (difference {fixed(value, places)} {bracket})" if bracket else ""
    if float(f"{abs(value):.{places}f}") == 0:
        return f"the same as on {reference}{bounds}"
    return f"{size} {'lower' if value < 0 else 'higher'} than on {reference}{bounds}"


def _meaning(gap: Json, unit: str) -> str:
    """Words for the verdict: what may be concluded, and in which direction."""
    estimate, margin = gap["estimate"], fixed(gap["margin"], 2)
    if gap["verdict"] == WITHIN:
        also = ", though not zero" if excludes_zero(estimate) else ""
        return f"within the margin of ±{margin}{also}"
    if gap["verdict"] == GAP:
        return f"a gap, {direction(gap)}"
    return f"inconclusive – {_why_inconclusive(gap, unit)}"


def direction(gap: Json) -> str:
    """Return ``"worse for IV–VI"``, ``"better for IV–VI"`` or, for a metric without a better side, ``"higher on IV–VI"``."""
    value, better = gap["estimate"]["value"], gap["higher_is_better"]
    label = value_label(gap["attribute"], gap["compared"])
    if better is None:
        return f"{'higher' if value > 0 else 'lower'} on {label}"
    return f"{'better' if (value > 0) == better else 'worse'} for {label}"


def _why_inconclusive(gap: Json, unit: str) -> str:
    patients = gap["estimate"]["n_clusters"]
    detectable = gap["minimum_detectable"]
    reason = _lower_first(gap["reason"].rstrip("."))
    if not is_number(detectable) or detectable <= 0:
        return reason or f"{counted(patients, unit)} cannot decide it"
    if is_bounded(gap["metric"]) and detectable > 0.995:
        return reason or f"with these {counted(patients, unit)} even the largest difference could go unseen"
    could = f"with these {counted(patients, unit)} only a difference of at least {fixed(detectable, 2)} could be seen"
    return f"{reason}; {could}" if reason else could


def _because(reason: str) -> str:
    return f" ({_lower_first(reason.rstrip('.'))})" if reason else ""


def _lower_first(text: str) -> str:
    return text if text[:2].isupper() else text[:1].lower() + text[1:]


def family_summary(view: View) -> str:
    """Return one sentence on the whole declared family; empty where the headline is all there is."""
    if len(view.primary) < 2:
        return ""
    verdicts = Counter(gap["verdict"] for gap in view.primary)
    if len(verdicts) == 1 and not verdicts[GAP]:
        words = "within the margin" if verdicts[WITHIN] else "inconclusive, which does not mean equal"
        who = "Both" if len(view.primary) == 2 else f"All {len(view.primary)}"
        return f"{who} declared comparisons are {words}."
    found = "; ".join(f"{metric_label(g['metric'])}, {direction(g)}" for g in view.primary if g["verdict"] == GAP)
    parts = [f"{verdicts[GAP]} {'is a gap' if verdicts[GAP] == 1 else 'are gaps'} ({found})"] if found else []
    parts += [f"{_is_are(verdicts[WITHIN])} within the margin"] if verdicts[WITHIN] else []
    parts += [f"{_is_are(verdicts[INCONCLUSIVE])} inconclusive, which does not mean equal"] if verdicts[INCONCLUSIVE] else []
    return f"Of {len(view.primary)} declared comparisons, {', '.join(parts)}."


def _is_are(number: int) -> str:
    return f"{number} {'is' if number == 1 else 'are'}"


def coverage_sentence(view: View) -> str:
    """Return how many answers could be read, naming every status that is not ``ok``."""
    sentences = []
    for row in view.coverage:
        if group_key(row["group"]):
            continue
        total = sum(row["counts"].values())
        failed = [f"{count(number)} {status}" for status, number in sorted(row["counts"].items()) if status != "ok" and number]
        read = row["counts"].get("ok", 0)
        sentences.append(
            f"{row['task']}: {count(read)} of {count(total)} answers read" + (f" ({', '.join(failed)})" if failed else "")
        )
    return "; ".join(sentences)


def verdict_words(gap: Json) -> str:
    """Return the verdict as shown beside a mark: its direction, or both facts where both hold."""
    if gap["verdict"] == GAP:
        return f"gap, {direction(gap)}"
    if gap["verdict"] == WITHIN and excludes_zero(gap["estimate"]):
        return "within margin, not zero"
    return str(gap["verdict"])


def gap_note(gap: Json) -> str:
    """Return why a gap's verdict or interval is what it is, where there is something to say."""
    reason: Any = gap["reason"] or gap["estimate"]["reason"]
    return str(reason)
