"""Where a text says that its answer comes now: "Final answer: B", "The answer is (B).", "Diagnosis: nevus"."""

from __future__ import annotations

import re

from harness.parsing.body import Span, trim

MARKS = "*_`\"'“”‘’#>$~ "
"""Markup that may stand around an answer."""

_LINK = r"[*_`\"']{0,3}\s{0,3}(?:is|are|was|would be|should be|[:=]|→|->)(?![\w])"
_CUES = tuple(
    re.compile(rf"\b(?:{words})\b{link}", re.IGNORECASE)
    for words, link in (
        (r"final (?:answer|diagnosis|decision|count|number)", rf"(?:{_LINK})?"),
        (r"(?:answer|correct (?:option|choice))", _LINK),
        (
            r"(?:diagnosis|conclusion|prediction|classification|category|label|choice|total|(?:count|number)(?: of \w{1,20})?)",
            _LINK,
        ),
    )
)
_ANSWER_LETTER = re.compile(r"\b(?:[Aa]nswer|ANSWER)\s{1,3}(?=\(?[A-Z]\b)")
_SENTENCE_END = re.compile(r"[.!?;](?=\s|$)|\n")
_SKIP = re.compile(
    r"[\s:*_`\"'“”#>$~=]*+(?:(?:most likely|likely|probably|option|choice|letter)\b[\s:*_`\"'“”(]*+)?", re.IGNORECASE
)
_OPTION = re.compile(r"\(?[A-Za-z][).:]")
_MOST = 50
"""Cues of one kind read before a text counts as babble."""


def final_spans(text: str, span: Span) -> list[Span]:
    """Return the sentences that follow the strongest kind of cue in the span; empty when it has no cue.

    "Final answer" is stronger than "the answer is", and that is stronger than "diagnosis:". Several cues of one kind give several
    spans: whoever reads them must see that they agree.
    """
    for rank, cue in enumerate(_CUES):
        ends = [match.end() for match in cue.finditer(text, *span)]
        if rank == 1:
            ends += [match.end() for match in _ANSWER_LETTER.finditer(text, *span)]
        spans = [_sentence(text, end, span[1]) for end in sorted(ends)[-_MOST:]]
        if found := [piece for piece in spans if piece[0] < piece[1]]:
            return found
    return []


def last_line(text: str, span: Span) -> Span:
    """Return the last line of the span that is not blank."""
    start, end = trim(text, span)
    return trim(text, (max(text.rfind("\n", start, end) + 1, start), end))


def _sentence(text: str, start: int, end: int) -> Span:
    if skipped := _SKIP.match(text, start, end):
        start = skipped.end()
    # The full stop of "B. nevus" does not end the sentence.
    option = _OPTION.match(text, start, end)
    stop = _SENTENCE_END.search(text, option.end() if option else start, end)
    return trim(text, (start, stop.start() if stop else end), MARKS)
