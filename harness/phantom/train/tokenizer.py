"""The tokenizer: SentencePiece BPE with Gemma's special tokens, trained on the phantom's own questions and answers."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from harness.phantom.questions import answer, prompt
from harness.phantom.scene import DIAGNOSES
from harness.phantom.splits import scenes
from harness.phantom.truth import ATTRIBUTES
from harness.types import Task

BOS: Final = "<bos>"
START_OF_TURN: Final = "<start_of_turn>"
END_OF_TURN: Final = "<end_of_turn>"
START_OF_IMAGE: Final = "<start_of_image>"
END_OF_IMAGE: Final = "<end_of_image>"
IMAGE_TOKEN: Final = "<image_soft_token>"
SPECIAL: Final = (START_OF_TURN, END_OF_TURN, START_OF_IMAGE, END_OF_IMAGE, IMAGE_TOKEN)
_LINE_BREAKS: Final = ("\n", "\n\n")
_CORPUS_PICTURES: Final = 2_500


def corpus() -> Iterator[str]:
    """Yield questions and answers as they stand in a conversation."""
    for scene in scenes("train", _CORPUS_PICTURES):
        for task in Task:
            yield f"user\n{prompt(task, scene, True)}"
            yield f"model\n{answer(task, scene)}"
        # A class must become one token, at the start of an answer and inside a sentence.
        yield from DIAGNOSES * 2
        yield from ATTRIBUTES


def train_tokenizer(path: Path, vocabulary: int) -> None:
    """Train and write ``tokenizer.model``; ids of padding, end, begin and unknown are Gemma's (0, 1, 2, 3)."""
    import sentencepiece

    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=corpus(),
        model_prefix=os.fspath(path.with_suffix("")),
        vocab_size=vocabulary,
        model_type="bpe",
        byte_fallback=True,
        pad_id=0,
        eos_id=1,
        bos_id=2,
        unk_id=3,
        pad_piece="<pad>",
        eos_piece="<eos>",
        bos_piece=BOS,
        add_dummy_prefix=False,
        remove_extra_whitespaces=False,
        normalization_rule_name="identity",
        split_digits=True,
        allow_whitespace_only_pieces=True,
        control_symbols=list(SPECIAL),
        user_defined_symbols=list(_LINE_BREAKS),
        hard_vocab_limit=False,
        minloglevel=2,
    )
    path.with_suffix(".vocab").unlink(missing_ok=True)


class Encoder:
    """Text to token ids. Special tokens are given by id and never parsed from text, so that no text can forge them."""

    def __init__(self, path: Path) -> None:
        """Load ``tokenizer.model`` and make sure that every class is one token."""
        import sentencepiece

        self._pieces: Any = sentencepiece.SentencePieceProcessor(os.fspath(path))
        self._ids: dict[str, list[int]] = {}
        for name in DIAGNOSES:
            if len(self.text(name)) != 1:
                raise ValueError(f"the class {name!r} takes {len(self.text(name))} tokens, but must take one")

    def __len__(self) -> int:
        return len(self._pieces)

    def special(self, piece: str) -> int:
        """Return the id of a special token."""
        return int(self._pieces.piece_to_id(piece))

    def text(self, text: str) -> list[int]:
        """Return the ids of plain text."""
        if text not in self._ids:
            self._ids[text] = list(self._pieces.encode(text))
        return self._ids[text]

    def decode(self, ids: list[int]) -> str:
        """Return the text of token ids."""
        return str(self._pieces.decode(ids))

    def prefix(self, image_tokens: int, before: str, after: str) -> list[int]:
        """Return the ids from the begin of the conversation to the end of the picture, with text around it."""
        picture = [self.special(START_OF_IMAGE), *[self.special(IMAGE_TOKEN)] * image_tokens, self.special(END_OF_IMAGE)]
        return [
            self.special(BOS),
            self.special(START_OF_TURN),
            *self.text("user\n"),
            *(self.text(before) if before else []),
            *picture,
            *(self.text(after) if after else []),
        ]

    def question(self, question: str) -> list[int]:
        """Return the ids of a question after the picture, to where the answer begins."""
        end = [self.special(END_OF_TURN), *self.text("\n"), self.special(START_OF_TURN), *self.text("model\n")]
        return [*self.text(question), *end]

    def answer(self, answer: str) -> list[int]:
        """Return the ids of an answer with its end of turn."""
        return [*self.text(answer), self.special(END_OF_TURN)]
