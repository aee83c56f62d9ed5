"""Whether a text names a choice to affirm it: "not malignant", "no evidence of melanoma" and "unable to tell if it is benign" do not."""

from __future__ import annotations

import re

from harness.parsing.body import Span

_WINDOW = 90
_CLAUSE_END = re.compile(r"[.;:,!?\n()]|\b(?:but|however|instead it|it is|this is|it['’]s|rather it)\b", re.IGNORECASE)
_BEFORE = re.compile(
    r"(?:\bnot(?! only\b)|\bno(?! doubt\b)|\bnon|n['’]t|\bcannot|\bnever|\bwithout|\bneither|\bnor|\bunable|\bunlikely|\bexclud\w{0,4}"
    r"|\brul(?:e|es|ed|ing) out|\brather than|\binstead of|\babsence|\black of|\bnegative for|\bless likely|\bimpossible|\bwhether|\bif)\b",
    re.IGNORECASE,
)
_AFTER = re.compile(
    r"[\s*_`\"']{0,4}(?:(?:is|are|was|were|seems?|appears?|can be|has been|would be)\s{1,2})?(?:(?:very|highly|rather|most)\s{1,2})?"
    r"(?:un(?:likely)|less likely|exclud(?:ed|able)|ruled out|absent|not\b)",
    re.IGNORECASE,
)
_OPEN_LIST = re.compile(r"[\s,/*_`\"']*+(?:or|nor|and|/|,)?[\s*_`\"'a]*+\Z", re.IGNORECASE)
_ALTERNATIVE = re.compile(r"[\s*_`\"']{0,4}\b(?:or|nor)\b", re.IGNORECASE)


def negated(text: str, mention: Span, start: int, before: Span | None, before_negated: bool) -> bool:
    """Return whether the mention of a choice is denied, doubted or asked about, rather than affirmed.

    Args:
        text: The text.
        mention: Where the choice is named.
        start: Where the answer begins.
        before: The mention before this one, if any.
        before_negated: Whether that one was negated: "neither benign nor malignant" and "not benign or malignant" deny both.
    """
    if before is not None and before_negated and _listed(text, before[1], mention[0]):
        return True
    left = max(start, mention[0] - _WINDOW, before[1] if before is not None else start)
    clause = left
    for end in _CLAUSE_END.finditer(text, left, mention[0]):
        # "unable to determine if it is benign": the question holds on across "it is".
        if not (end.group()[0].isalpha() and _BEFORE.search(text, clause, end.start()) and _asks(text, clause, end.start())):
            clause = end.end()
    return _BEFORE.search(text, clause, mention[0]) is not None or _AFTER.match(text, mention[1]) is not None


def _listed(text: str, left: int, right: int) -> bool:
    between = text[left:right]
    return len(between) <= 12 and _OPEN_LIST.match(between) is not None and _ALTERNATIVE.match(between) is not None


_ASKS = re.compile(r"\b(?:if|whether|that)\s*\Z", re.IGNORECASE)


def _asks(text: str, left: int, right: int) -> bool:
    return _ASKS.search(text[max(left, right - 12) : right]) is not None
