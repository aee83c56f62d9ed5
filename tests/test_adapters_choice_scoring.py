"""The log-likelihood of choices, against the runtime's own probabilities of its whole vocabulary."""

import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest

import harness
from harness.adapters import llama_identity
from harness.adapters.choice_scoring import ChoiceScorer, Token
from harness.adapters.gguf_header import read_header
from harness.adapters.llama_server import LlamaServer, ServerSettings
from harness.adapters.llama_slot import Slot, Traits, end_of_turn
from harness.adapters.pictures import PictureSize, encoded_pictures
from harness.data.images import MemoryImage

WEIGHTS = Path(harness.__file__).parent / "phantom" / "weights"
MODEL, MMPROJ = WEIGHTS / "phantomvl-f16.gguf", WEIGHTS / "mmproj-phantomvl-f16.gguf"
PICTURE = MemoryImage(np.random.default_rng(5).integers(0, 255, (112, 112, 3), dtype=np.uint8))


@pytest.fixture(scope="module")
def slot() -> Iterator[Slot]:
    server = LlamaServer(MODEL, MMPROJ, ServerSettings(context=512, slots=1, threads=1))
    connection = server.connect()
    yield Slot(0, connection, Traits(server.media_marker, False, end_of_turn(connection, ())))
    connection.close()
    server.close()


def test_a_picture_is_encoded_once(slot: Slot) -> None:
    pictures = encoded_pictures((PICTURE,), PictureSize(112))
    seen = []
    for question in ("classify the lesion", "find the lesions"):
        text = slot.in_template(question, 1)
        body = {"prompt": {"prompt_string": text, "multimodal_data": list(pictures)}, "id_slot": 0, "cache_prompt": True}
        seen += [slot.connection.post("/completion", {**body, "n_predict": 1})["timings"] for _ in range(2)]
    first, again, other_question, _ = seen
    assert first["prompt_n"] > 16
    assert again["prompt_n"] == 1  # everything but the last token was there
    assert other_question["cache_n"] > 16  # at least the picture was there


MISTRAL_TEMPLATE = (
    "{{ bos_token }}{% for m in messages %}{% if m['role'] == 'user' %}[INST] "
    "{% if m['content'] is string %}{{ m['content'] }}{% else %}{% for c in m['content'] %}"
    "{{ '<image>' if c['type'] == 'image' else c['text'] }}{% endfor %}{% endif %} [/INST]"
    "{% else %} {{ m['content'] }}{{ eos_token }}{% endif %}{% endfor %}"
)


@pytest.fixture(scope="module")
def spaced_slot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slot]:
    """The embedded weights behind a tokenizer that begins words with a space and a template like Mistral's, as SkinVL has them."""
    path = tmp_path_factory.mktemp("spaced") / "spaced.gguf"
    reader, writer = gguf.GGUFReader(MODEL), gguf.GGUFWriter(path, "gemma3")
    changed = {"tokenizer.ggml.add_space_prefix": True, "tokenizer.chat_template": MISTRAL_TEMPLATE}
    for name, field in reader.fields.items():
        if not name.startswith("GGUF.") and name != "general.architecture":
            item_type = field.types[-1] if field.types[0] is gguf.GGUFValueType.ARRAY else None
            writer.add_key_value(name, changed.get(name, field.contents()), field.types[0], sub_type=item_type)
    for tensor in reader.tensors:
        writer.add_tensor(tensor.name, np.array(tensor.data), raw_dtype=tensor.tensor_type)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    header = read_header(path)
    server = LlamaServer(path, MMPROJ, ServerSettings(context=512, slots=1, threads=1))
    connection = server.connect()
    end = end_of_turn(connection, llama_identity.declared_ends(header))
    yield Slot(0, connection, Traits(server.media_marker, llama_identity.begins_with_space(header), end))
    connection.close()
    server.close()


def scorer_for(
    slot: Slot, prompt: str = "classify the lesion"
) -> tuple[ChoiceScorer, Callable[[str, dict[str, Any]], dict[str, Any]]]:
    pictures, text = encoded_pictures((PICTURE,), PictureSize(112)), slot.in_template(prompt, 1)

    def complete(said: str, settings: dict[str, Any]) -> dict[str, Any]:
        return slot.complete(text + said, pictures, settings)

    tail = text.rpartition(slot.traits.media_marker)[2]
    return ChoiceScorer(complete, slot.tokenize, tail, slot.traits.end_of_turn, slot.traits.spaced), complete


HARD_CHOICES = [
    "nevus",
    "basal cell carcinoma",
    "normal skin, benign",
    'a "b" {1, 2}',
    "a\\n",
    "3%",
    "a\nb",
    "no no no",
    " x ",
    "<eos>",
]


@pytest.mark.parametrize("choice", HARD_CHOICES)
def test_score_equals_teacher_forcing_over_the_whole_vocabulary(slot: Slot, choice: str) -> None:
    scorer, complete = scorer_for(slot)
    tokens = scorer.tokens_of(choice)
    assert "".join(t.text or "" for t in tokens) == choice
    # Each step's probabilities of all tokens, raw; which token is said is of no interest.
    everything = {"temperature": 0.0, "n_predict": 1, "n_probs": 1000, "logit_bias": [[slot.traits.end_of_turn, 1e6]]}
    said, forced = "", []
    for token in (*tokens, Token(slot.traits.end_of_turn, "")):
        step = complete(said, everything)["completion_probabilities"][0]["top_logprobs"]
        assert math.fsum(math.exp(t["logprob"]) for t in step) == pytest.approx(1, abs=1e-3)
        forced.append(next(t["logprob"] for t in step if t["id"] == token.id))
        said += token.text or ""
    logprob, n_tokens = scorer.score(choice)
    assert n_tokens == len(tokens) + 1
    if choice != "<eos>":  # the prompt of its second step would read it as the special token
        assert logprob == pytest.approx(math.fsum(forced), abs=1e-3)


@pytest.mark.parametrize("choice", ["nevus", "basal cell carcinoma", "no no no"])
def test_tokenizers_that_begin_words_with_a_space(spaced_slot: Slot, choice: str) -> None:
    scorer, complete = scorer_for(spaced_slot)
    assert scorer.spaced
    assert spaced_slot.traits.end_of_turn == spaced_slot.tokenize("<eos>", True)[0].id
    tokens = [*scorer.tokens_of(f" {choice}"), Token(spaced_slot.traits.end_of_turn, "")]
    assert "".join(t.text or "" for t in tokens) == f" {choice}"
    said, forced = "", []
    for token in tokens:
        step = complete(said, {"temperature": 0.0, "n_predict": 1, "n_probs": 1000, "logit_bias": [[tokens[-1].id, 1e6]]})
        forced.append(next(t["logprob"] for t in step["completion_probabilities"][0]["top_logprobs"] if t["id"] == token.id))
        said += token.text or ""
    assert scorer.score(choice)[0] == pytest.approx(math.fsum(forced), abs=1e-3)


@pytest.mark.parametrize("choice", ["nevus", "basal cell carcinoma", "normal skin, benign"])
def test_score_equals_that_of_a_grammar(slot: Slot, choice: str) -> None:
    scorer, complete = scorer_for(slot)
    grammar = {"grammar": f'%llguidance {{}}\nstart: "{choice}"', "n_predict": 32, "n_probs": 1, "temperature": 0.0}
    said = complete("", grammar)["completion_probabilities"]
    assert scorer.score(choice)[0] == pytest.approx(math.fsum(p["logprob"] for p in said), abs=1e-3)


@pytest.mark.parametrize("choice", ["nevus", "basal cell carcinoma", "normal skin, benign"])
def test_one_request_and_one_a_token_score_the_same(slot: Slot, choice: str) -> None:
    scorer, _ = scorer_for(slot)
    stepwise = scorer._by_steps(scorer.tokens_of(choice), choice)
    logprob, n_tokens = scorer.score(choice)
    assert logprob == pytest.approx(math.fsum(stepwise), abs=1e-3)
    assert n_tokens == len(stepwise)


def test_the_end_of_the_turn_is_the_templates_own(slot: Slot) -> None:
    assert slot.traits.end_of_turn == slot.tokenize("<end_of_turn>", True)[0].id
    eos = read_header(MODEL).metadata["tokenizer.ggml.eos_token_id"]
    assert slot.traits.end_of_turn != eos
