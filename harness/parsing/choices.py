"""Closed questions: which of the choices a text names, by its words or by an option letter."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from harness.parsing.body import Span, trim, unread
from harness.parsing.finals import MARKS, final_spans, last_line
from harness.parsing.negation import negated
from harness.types import Answer, Status

NONE_SUCH = -1
"""Index of an option letter beyond the last choice: "answer F" of five names no choice, and contradicts any other."""

_LETTERED = re.compile(r"\(?([A-Z])[).:]\s+(.+)", re.DOTALL)
_ALONE = re.compile(r"[\[({]?([A-Za-z])[\])}]?[.:,]?\Z")
_LEADING = re.compile(r"(?:[(\[]([A-Za-z])[)\]]|([A-Za-z])[*_]{0,2}(?:[).:]|\s+[-–—]))(?=\s|[*_]|$)")
_NAMED = re.compile(
    r"(?:\b(?:[Oo]ption|[Cc]hoice|[Aa]nswer|OPTION|ANSWER)\s{1,3}|(?=\()|\\boxed(?=\{))(?:\(([A-Z])\)|\{([A-Z])\}|([A-Z])(?![\w'’]))"
)
# After "the answer is" a capital is a letter even in a sentence, but for the article and the pronoun.
_SPOKEN = re.compile(r"([B-HJ-Z])(?![\w'’])|([AI])(?=,|\s{1,3}(?:or|and|because|since|as)\b)")
_OR_SPOKEN = re.compile(r"(?:\s{0,3},)?\s{0,3}(?:\bor\b|\band\b|/|,)\s{0,3}\(?([A-Z])(?![\w'’])")
_LINE = re.compile(r"^[ \t*_#>-]*+\(?([A-Z])(?:[).:](?=[\s*])|(?=[*_]{0,3}[ \t]*$))|\*\*\(?([A-Z])[).:]", re.MULTILINE)
_EDGES = MARKS + ".!,;:()[]{}"


@dataclass(frozen=True, slots=True)
class Evidence:
    """A place in a text that names a choice."""

    choice: int
    span: Span
    rule: str


@dataclass(frozen=True, slots=True)
class _Options:
    """Choices made ready for reading.

    Attributes:
        letters: Option letter to choice; empty when letters stand for nothing.
        index_of: Plain words to choice.
        pattern: Finds any choice's words; its matched group says which.
        group_choice: Choice of each group, from group 1 on.
    """

    letters: dict[str, int]
    index_of: dict[str, int]
    pattern: re.Pattern[str] | None
    group_choice: tuple[int, ...]


def read_choice(text: str, span: Span, choices: tuple[str, ...], *, letters: bool = True) -> Answer:
    """Return the one choice a text affirms.

    The sentence after "final answer", "the answer is" and their like decides; without one the whole text must name exactly one
    choice, or end with a line that is nothing but one.

    Args:
        text: What the model said.
        span: Where its answer stands.
        choices: The allowed answers.
        letters: Whether option letters may stand for choices that are not lettered themselves.
    """
    options = _options(choices, letters)
    whole = _exactly(text, span, options)
    if whole is not None:
        return _answer(choices, whole)
    for piece_rule, pieces in (("final_answer", final_spans(text, span)), ("", [span])):
        evidence = [found for piece in pieces for found in _evidence(text, piece, options, final=bool(piece_rule))]
        named = {found.choice for found in evidence}
        if len(named) == 1 and NONE_SUCH not in named:
            found = evidence[-1] if piece_rule else evidence[0]
            return _answer(choices, Evidence(found.choice, found.span, piece_rule or found.rule))
        if evidence and piece_rule:
            return Answer(None, Status.UNPARSABLE, "no_such_option" if named == {NONE_SUCH} else "several_choices")
    line = _exactly(text, last_line(text, span), options)
    if line is not None and line.choice != NONE_SUCH:
        return _answer(choices, Evidence(line.choice, line.span, "final_line"))
    if evidence:
        return Answer(None, Status.UNPARSABLE, "no_such_option" if named == {NONE_SUCH} else "several_choices")
    return unread(text, span, "no_choice_named")


def read_labels(text: str, span: Span, choices: tuple[str, ...]) -> Answer:
    """Return every choice a text affirms, in the order of the choices; ``()`` only where it says that there is none."""
    mentions = _mentions(text, span, _options(choices, False))
    if mentions:
        named = sorted({found.choice for found in mentions})
        where = (mentions[0].span[0], mentions[-1].span[1])
        return Answer(tuple(choices[index] for index in named), Status.OK, "choice_texts", where)
    start, end = trim(text, span, MARKS + ".")
    if text[start:end].lower() in ("none", "none of the above", "no findings", "no finding", "[]"):
        return Answer((), Status.OK, "none_named", (start, end))
    return unread(text, span, "no_choice_named")


def _answer(choices: tuple[str, ...], found: Evidence) -> Answer:
    if found.choice == NONE_SUCH:
        return Answer(None, Status.UNPARSABLE, "no_such_option")
    return Answer(choices[found.choice], Status.OK, found.rule, found.span)


@lru_cache(maxsize=256)
def _options(choices: tuple[str, ...], letters: bool) -> _Options:
    lettered = [_LETTERED.match(choice) for choice in choices]
    if all(lettered):
        words = tuple(match[2].strip() for match in lettered if match)
        by_letter = {match[1]: index for index, match in enumerate(lettered) if match}
    elif all(len(choice.strip()) == 1 and choice.strip().isalpha() for choice in choices):
        words, by_letter = ("",) * len(choices), {choice.strip().upper(): index for index, choice in enumerate(choices)}
    else:
        words = tuple(choice.strip() for choice in choices)
        by_letter = {chr(ord("A") + index): index for index in range(min(len(choices), 26))} if letters else {}
    # One letter is no word: "a" is an article and "I" a pronoun, so such a choice is read only where it stands alone.
    spoken = [index for index, word in enumerate(words) if len(word) > 1 or word.isdigit()]
    spoken.sort(key=lambda index: -len(words[index]))  # "melanoma in situ" before "melanoma"
    pattern = "|".join(f"({_pattern(words[index])})" for index in spoken)
    index_of: dict[str, int] = {}
    for index, word in enumerate(words):
        if word:
            index_of.setdefault(_plain(word), index)
    return _Options(by_letter, index_of, re.compile(pattern, re.IGNORECASE) if spoken else None, tuple(spoken))


def _pattern(word: str) -> str:
    """Return a pattern of a choice as a whole word; any run of space, hyphen or underscore matches any other."""
    parts = [re.escape(part) for part in re.split(r"[\s_-]+", word) if part]
    inner = r"[\s_-]++".join(parts) or re.escape(word)
    left = r"(?<!\w)(?<!\d[.,])(?<![-+])" if word[0].isdigit() else r"(?<!\w)"
    right = r"(?!\w)(?![.,]\d)(?!\s?%)" if word[-1].isdigit() else r"(?!\w)"
    if word.lower() == "no":  # the answer No, not the article of "no doubt"
        right = r"(?=\s{0,3}(?:[.,;:!?\n*]|\Z|because\b|as\b|since\b))"
    return f"{left}{inner}{right}"


def _plain(text: str) -> str:
    return " ".join(text.replace("-", " ").replace("_", " ").lower().split())


def _exactly(text: str, span: Span, options: _Options) -> Evidence | None:
    """Return the choice the span is, markup and full stop apart."""
    start, end = trim(text, span, _EDGES)
    # A choice may end in a mark itself, e.g. "nevus (benign)".
    for left, right in (trim(text, span, MARKS), (start, end)):
        index = options.index_of.get(_plain(text[left:right])) if 0 < right - left <= 1000 else None
        if index is not None:
            return Evidence(index, (left, right), "choice_text")
    letter = _ALONE.match(text[start:end]) if end - start <= 3 else None
    if letter and options.letters:
        return Evidence(options.letters.get(letter[1].upper(), NONE_SUCH), (start, end), "letter")
    return None


def _evidence(text: str, span: Span, options: _Options, *, final: bool) -> list[Evidence]:
    """Return every affirmed choice and evident option letter of the span, in the order of their places."""
    exact = _exactly(text, span, options)
    if exact is not None:
        return [exact]
    found = _mentions(text, span, options)
    if options.letters:
        start = trim(text, span, MARKS)[0]
        leading = _LEADING.match(text, start, span[1]) or (_SPOKEN.match(text, start, span[1]) if final else None)
        other = _OR_SPOKEN.match(text, leading.end(), span[1]) if leading and final else None
        matches = (leading, other, *_NAMED.finditer(text, *span), *_LINE.finditer(text, *span))
        places = {match.span(match.lastindex or 0) for match in matches if match is not None}
        letters: dict[str, Span] = {}
        for place in sorted(places):  # one affirmation of a letter is enough, and a loop repeats it a thousand times
            if text[place[0]] not in letters and not _denied_letter(text, place, span[0]):
                letters[text[place[0]]] = place
        found += [_letter(text, place, options) for place in letters.values()]
    return sorted(found, key=lambda one: one.span)


def _letter(text: str, place: Span, options: _Options) -> Evidence:
    return Evidence(options.letters.get(text[place[0]].upper(), NONE_SUCH), place, "letter")


def _denied_letter(text: str, place: Span, start: int) -> bool:
    """Return whether an option letter is negated, its bracket being part of it: "not (B)"."""
    bracket = place[0] > start and text[place[0] - 1] in "(["
    return negated(text, (place[0] - bracket, place[1]), start, None, False)


def _mentions(text: str, span: Span, options: _Options) -> list[Evidence]:
    found: list[Evidence] = []
    if options.pattern is None:
        return found
    before: Span | None = None
    denied = False
    for match in options.pattern.finditer(text, *span):
        denied = negated(text, match.span(), span[0], before, denied)
        before = match.span()
        if not denied:
            found.append(Evidence(options.group_choice[(match.lastindex or 1) - 1], before, "choice_text"))
    return found
