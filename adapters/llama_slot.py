"""One of the server's slots: prompts in the model's own template, tokens, completions that reuse what the slot holds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from harness.adapters.choice_scoring import Token, forcing
from harness.adapters.llama_server import Connection, RejectedError
from harness.errors import AdapterError

_FIELDS = ["content", "tokens", "stop_type", "tokens_predicted", "completion_probabilities"]
_MOST_KNOWN_TOKENS = 20_000
_NO_PICTURE = "data:image/png;base64,AA=="  # templates are told that a picture comes, not which
_SAID = "qzxj"  # an answer no template has in it


@dataclass(frozen=True, slots=True)
class Traits:
    """What a loaded model is like.

    Attributes:
        media_marker: What stands for a picture in a prompt.
        spaced: The tokenizer begins words with a space (SentencePiece with ``add_space_prefix``).
        end_of_turn: The token that ends the model's turn.
    """

    media_marker: str
    spaced: bool
    end_of_turn: int


@dataclass(slots=True)
class Slot:
    """One of the server's slots with a connection of its own. One thread uses it at a time.

    Attributes:
        number: The slot's number at the server, which keeps the last picture and prompt for it.
        connection: How to reach it.
        traits: What the model is like.
    """

    number: int
    connection: Connection
    traits: Traits
    _known: dict[tuple[str, bool], tuple[Token, ...]] = field(default_factory=dict)

    def tokenize(self, text: str, special: bool) -> tuple[Token, ...]:
        """Return a text's tokens, none added; ``special`` reads special tokens in it as such."""
        key = (text, special)
        if key not in self._known:
            if len(self._known) >= _MOST_KNOWN_TOKENS:
                self._known.clear()
            self._known[key] = tokenize(self.connection, text, special)
        return self._known[key]

    def in_template(self, prompt: str, n_pictures: int) -> str:
        """Return the user's turn in the model's own chat template, with a marker for each picture, up to where it answers.

        Raises:
            RejectedError: The model's template cannot be applied, or has no place for pictures.
        """
        pictures = [{"type": "image_url", "image_url": {"url": _NO_PICTURE}}] * n_pictures
        text = apply_template(
            self.connection, [_turn("user", [*pictures, {"type": "text", "text": prompt}] if pictures else prompt)]
        )
        if (found := text.count(self.traits.media_marker)) != n_pictures:
            raise RejectedError(f"the model's chat template makes {found} places for {n_pictures} pictures")
        return text

    def complete(self, text: str, pictures: tuple[str, ...], settings: Mapping[str, Any]) -> dict[str, Any]:
        """Ask ``/completion`` on this slot, reusing what it already holds of the same pictures and prompt."""
        prompt: object = {"prompt_string": text, "multimodal_data": list(pictures)} if pictures else text
        body = {"prompt": prompt, "id_slot": self.number, "cache_prompt": True, "response_fields": _FIELDS, **settings}
        return self.connection.post("/completion", body)


def tokenize(connection: Connection, text: str, special: bool) -> tuple[Token, ...]:
    """Return a text's tokens, none added; ``special`` reads special tokens in it as such."""
    body = {"content": text, "add_special": False, "parse_special": special, "with_pieces": True}
    found = connection.post("/tokenize", body)["tokens"]
    return tuple(Token(t["id"], t["piece"] if isinstance(t["piece"], str) else None) for t in found)


def apply_template(connection: Connection, messages: list[dict[str, object]]) -> str:
    """Return a conversation in the model's own chat template, up to where the model answers."""
    return str(connection.post("/apply-template", {"messages": messages})["prompt"])


def end_of_turn(connection: Connection, declared: Iterable[int]) -> int:
    """Return the token that ends the model's turn: what its template writes behind an answer, or else one the file declares.

    Args:
        connection: To a server with the model.
        declared: Ids of the end tokens the file names, the likelier first.

    Raises:
        AdapterError: The runtime stops at none of them.
    """
    for token in (*_end_in_template(connection), *declared):
        answer = connection.post("/completion", {"prompt": _SAID, **forcing([token])})
        if answer["stop_type"] == "eos":
            return token
    raise AdapterError("the model's chat template and its file name no token that ends its turn, so choices cannot be scored")


def _end_in_template(connection: Connection) -> tuple[int, ...]:
    turns = [_turn("user", "a"), _turn("assistant", _SAID), _turn("user", "b")]
    try:
        behind = apply_template(connection, turns).rpartition(_SAID)[2]
    except RejectedError:  # a template for single questions
        return ()
    return tuple(token.id for token in tokenize(connection, behind, True)[:1])


def _turn(role: str, content: object) -> dict[str, object]:
    return {"role": role, "content": content}
