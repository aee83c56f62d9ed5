"""The verdict in words: right direction, right conclusion, nothing claimed where there is no number."""

from __future__ import annotations

from typing import Any

import pytest

from harness.reports.record import view
from harness.reports.sentences import direction, family_summary, headline, verdict_words


def estimate(value: float | None, low: float | None = None, high: float | None = None, **other: Any) -> dict[str, Any]:
    return {"value": value, "low": low, "high": high, "n": 600, "n_clusters": 212, "reason": "", "level": 0.95, **other}


def gap(value: float | None, low: float | None, high: float | None, verdict: str, **other: Any) -> dict[str, Any]:
    return {
        "metric": "balanced_accuracy",
        "attribute": "fitzpatrick",
        "reference": "I-III",
        "compared": "IV-VI",
        "estimate": estimate(value, low, high),
        "margin": 0.05,
        "verdict": verdict,
        "minimum_detectable": 0.07,
        "p_adjusted": 0.2,
        "family": "declared",
        "higher_is_better": True,
        "reason": "",
        **other,
    }


def evaluation(*gaps: dict[str, Any], overall: dict[str, Any] | None = None, **dataset: Any) -> dict[str, Any]:
    metric = {"metric": "balanced_accuracy", "group": None, "estimate": overall or estimate(0.81, 0.78, 0.84)}
    return {"dataset": {"name": "clinic", **dataset}, "metrics": [metric], "gaps": list(gaps), "coverage": []}


def said(*gaps: dict[str, Any], **other: Any) -> str:
    return headline(view(evaluation(*gaps, **other), {}))


LEAD = "Balanced accuracy is 0.81 [0.78, 0.84]; on skin types IV–VI it is "


def test_inconclusive_says_what_could_have_been_seen() -> None:
    assert said(gap(-0.03, -0.08, 0.02, "inconclusive")) == (
        LEAD + "0.03 lower than on I–III (difference −0.03 [−0.08, 0.02]): inconclusive – "
        "with these 212 patients only a difference of at least 0.07 could be seen."
    )


def test_inconclusive_for_a_reason_gives_it() -> None:
    few = "The denominator holds 1 patient of IV-VI."
    text = said(gap(-0.03, -0.4, 0.3, "inconclusive", reason=few))
    assert text.endswith(
        "inconclusive – the denominator holds 1 patient of IV-VI; "
        "with these 212 patients only a difference of at least 0.07 could be seen."
    )
    alone = said(gap(-0.03, -0.4, 0.3, "inconclusive", reason=few, minimum_detectable=None))
    assert alone.endswith("inconclusive – the denominator holds 1 patient of IV-VI.")


def test_what_nobody_could_see_is_not_given_as_a_number() -> None:
    hopeless = gap(-0.03, -0.4, 0.3, "inconclusive", minimum_detectable=1.0)
    assert said(hopeless).endswith("with these 212 patients even the largest difference could go unseen.")
    assert said({**hopeless, "reason": "only 1 patient of IV-VI"}).endswith(": inconclusive – only 1 patient of IV-VI.")
    assert said({**hopeless, "minimum_detectable": 0.0}).endswith("inconclusive – 212 patients cannot decide it.")


def test_within_margin_names_the_margin_and_both_facts() -> None:
    assert said(gap(0.012, -0.01, 0.04, "within margin")).endswith(
        "0.01 higher than on I–III (difference 0.01 [−0.01, 0.04]): within the margin of ±0.05."
    )
    assert said(gap(-0.02, -0.03, -0.01, "within margin")).endswith("within the margin of ±0.05, though not zero.")


@pytest.mark.parametrize(
    ("value", "higher_is_better", "words"),
    [
        (-0.09, True, "worse for IV–VI"),
        (0.09, True, "better for IV–VI"),
        (0.09, False, "worse for IV–VI"),
        (-0.09, False, "better for IV–VI"),
        (0.09, None, "higher on IV–VI"),
        (-0.09, None, "lower on IV–VI"),
    ],
)
def test_direction_respects_which_side_is_better(value: float, higher_is_better: bool | None, words: str) -> None:
    found = gap(value, value - 0.01, value + 0.01, "gap", higher_is_better=higher_is_better)
    assert direction(found) == words
    assert said(found).endswith(f": a gap, {words}.")
    assert verdict_words(found) == f"gap, {words}"


def test_no_difference_at_all_has_no_direction() -> None:
    assert "it is the same as on I–III (difference 0.00 [−0.01, 0.01])" in said(gap(0.0, -0.01, 0.01, "within margin"))


def test_a_tiny_difference_gets_the_decimals_it_needs() -> None:
    assert "it is 0.003 lower than on I–III (difference −0.003 [−0.010, 0.004])" in said(
        gap(-0.003, -0.01, 0.004, "within margin")
    )
    assert "it is the same as on I–III (difference 0.000 [−0.010, 0.010])" in said(gap(-0.0001, -0.01, 0.01, "within margin"))


def test_an_undefined_gap_is_inconclusive_with_its_reason() -> None:
    text = said(gap(None, None, None, "inconclusive", reason="No positives on IV-VI."))
    assert (
        text == "Balanced accuracy is 0.81 [0.78, 0.84]; it cannot be compared between skin types IV–VI and I–III "
        "(no positives on IV-VI): inconclusive."
    )


def test_an_undefined_metric_is_said_to_be_so() -> None:
    text = said(gap(None, None, None, "inconclusive"), overall=estimate(None, reason="no answers"))
    assert text.startswith("Balanced accuracy is undefined overall (no answers); ")


def test_without_gaps_or_metrics_it_still_speaks() -> None:
    assert said() == "Balanced accuracy is 0.81 [0.78, 0.84]; groups were not compared."
    assert headline(view({**evaluation(), "metrics": []}, {})) == "Nothing could be computed from these answers."


def test_samples_and_lesions_are_not_called_patients() -> None:
    found = gap(-0.03, -0.08, 0.02, "inconclusive")
    assert "with these 212 samples" in said(found, n_patients=None)
    assert "with these 212 lesions" in said(found, name="skinphantom_matched")


def test_other_attributes_are_worded_too() -> None:
    found = gap(-0.03, -0.05, -0.01, "gap", attribute="sex", reference="male", compared="female")
    assert "on sex female it is 0.03 lower than on male" in said(found)


def test_primary_names_decide_which_gap_leads() -> None:
    first, second = gap(-0.09, -0.1, -0.08, "gap", metric="auroc"), gap(-0.03, -0.08, 0.02, "inconclusive")
    exploratory = gap(-0.2, -0.3, -0.1, "gap", attribute="age", family="exploratory")
    shown = view(evaluation(exploratory, first, second), {"primary": ["balanced_accuracy", "auroc"]})
    assert [g["metric"] for g in shown.primary] == ["balanced_accuracy", "auroc"]
    assert headline(shown).startswith("Balanced accuracy")


def test_summary_counts_every_verdict() -> None:
    gaps = (
        gap(-0.09, -0.1, -0.08, "gap"),
        gap(0, -0.01, 0.01, "within margin"),
        gap(0, -0.1, 0.1, "inconclusive"),
        gap(0, -0.1, 0.1, "inconclusive"),
    )
    assert family_summary(view(evaluation(*gaps), {})) == (
        "Of 4 declared comparisons, 1 is a gap (Balanced accuracy, worse for IV–VI), 1 is within the margin, "
        "2 are inconclusive, which does not mean equal."
    )
    assert family_summary(view(evaluation(gaps[0]), {})) == ""
    undecided = family_summary(view(evaluation(gaps[2], gaps[3]), {}))
    assert undecided == "Both declared comparisons are inconclusive, which does not mean equal."
    assert family_summary(view(evaluation(gaps[1], gaps[1]), {})) == "Both declared comparisons are within the margin."
