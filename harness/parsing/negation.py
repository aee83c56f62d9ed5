"""Whether a text names a choice to affirm it.

"Not malignant", "no evidence of melanoma" and "unable to tell if it is benign" name one, and affirm none.
"""

from __future__ import annotations

import re

from harness.parsing.body import Span

_WINDOW = 90
"""Characters before a mention in which a negation of it may stand."""

# "it is" begins a new statement, but not in "unable to tell if it is benign" or "I don't think it is benign".
_CLAUSE_END = re.compile(
    r"[.;:,!?\n()]|(?<!\bif )(?<!\bwhether )(?<!\bthat )(?<!\bthink )(?<!\bbelieve )\b(?:but|however|it is|this is|it['’]s)\b",
    re.IGNORECASE,
)
_BEFORE = re.compile(
    r"(?:\bnot(?! only\b)|\bno(?! doubt\b)|\bnon|n['’]t|\bcannot|\bnever|\bwithout|\bneither|\bnor|\bunable|\bunlikely"
    r"|\bexclud\w{0,4}|\brul(?:e|es|ed|ing) out|\brather than|\binstead of|\babsence|\black of|\bnegative for|\bless likely"
    r"|\bimpossible|\bwhether|\bif)\b",
    re.IGNORECASE,
)
_AFTER = re.compile(
    r"[*_`\"']{0,4}(?:\s?[:?=]\s{0,3}(?:no|false|negative|absent)\b"
    r"|\s{1,3}(?:(?:is|are|was|were|seems?|appears?|can be|has been|would be)\s{1,3})?(?:(?:very|highly|rather|most)\s{1,3})?"
    r"(?:unlikely|less likely|excluded|ruled out|absent|not (?:likely|present|seen|visible|supported|evident|possible|the))\b)",
    re.IGNORECASE,
)
_OR = re.compile(r"[*_`\"',]{0,4}\s{1,3}(?:or|nor)\s{1,3}(?:an?\s{1,3})?[*_`\"']{0,4}", re.IGNORECASE)


def negated(text: str, mention: Span, start: int, before: Span | None, before_negated: bool) -> bool:
    """Return whether the mention of a choice is denied, doubted or asked about, rather than affirmed.

    Args:
        text: The text.
        mention: Where the choice is named.
        start: Where the answer begins.
        before: The mention before this one, if any.
        before_negated: Whether that one was negated: "neither benign nor malignant" and "not benign or malignant" deny both.
    """
    if before is not None and before_negated and _OR.fullmatch(text, before[1], mention[0]):
        return True
    left = max(start, mention[0] - _WINDOW, before[1] if before is not None else start)
    for end in _CLAUSE_END.finditer(text, left, mention[0]):
        left = end.end()
    return _BEFORE.search(text, left, mention[0]) is not None or _AFTER.match(text, mention[1]) is not None
