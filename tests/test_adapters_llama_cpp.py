"""The llama.cpp adapter on the embedded model: real weights, real runtime."""

import math
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import harness
from harness.adapters.gguf_header import read_header
from harness.adapters.llama_cpp import LlamaCpp
from harness.adapters.llama_running import by_picture
from harness.data.images import FileImage
from harness.types import Prediction, Request, Status

WEIGHTS = Path(harness.__file__).parent / "phantom" / "weights"
MODEL, MMPROJ = WEIGHTS / "phantomvl-f16.gguf", WEIGHTS / "mmproj-phantomvl-f16.gguf"
CHOICES = ("melanoma", "nevus", "keratosis", "carcinoma", "normal")
AGREE = 0.002


@dataclass(frozen=True)
class Blobs:
    """A smooth coloured picture, drawn from a seed."""

    seed: int
    size: tuple[int, int] = (112, 112)

    @property
    def digest(self) -> str:
        return f"blobs {self.seed} {self.size}"

    def load(self) -> Image.Image:
        dots = np.random.default_rng(self.seed).integers(0, 255, (9, 9, 3)).astype(np.uint8)
        return Image.fromarray(dots).resize(self.size, Image.Resampling.BICUBIC)


@dataclass(frozen=True)
class Broken:
    """A picture that cannot be read; ``nameless`` ones have no digest either."""

    nameless: bool = False

    @property
    def digest(self) -> str:
        if self.nameless:
            raise FileNotFoundError("gone.png")
        return "broken"

    def load(self) -> Image.Image:
        raise OSError("image file is truncated")


@dataclass(frozen=True)
class Held:
    """A picture already in memory, of any mode."""

    digest: str
    picture: Image.Image

    def load(self) -> Image.Image:
        return self.picture


def closed(name: str, seed: int, prompt: str = "classify the lesion", choices: tuple[str, ...] = CHOICES) -> Request:
    return Request(name, prompt, (Blobs(seed),), choices)


def questions(n_pictures: int) -> list[Request]:
    """Questions about several pictures, shuffled so that no picture's questions stand together."""
    made = [closed(f"{i}/class", i) for i in range(n_pictures)]
    made += [Request(f"{i}/boxes", "find the lesions", (Blobs(i),), max_tokens=12) for i in range(n_pictures)]
    made += [closed(f"{i}/text", i, "classify the lesion\npatient: 58 years, back, growing") for i in range(n_pictures)]
    return [made[i] for i in np.random.default_rng(0).permutation(len(made))]


@pytest.fixture(scope="module")
def adapter() -> Iterator[LlamaCpp]:
    made = LlamaCpp(MODEL, MMPROJ)
    yield made
    made.close()


def in_order(adapter: LlamaCpp, requests: list[Request]) -> list[Prediction]:
    """Answers in the order of the requests; samples have a name of their own."""
    answers = {answer.sample_id: answer for answer in adapter.predict(requests)}
    assert len(answers) == len(requests)
    return [answers[request.sample_id] for request in requests]


def assert_same(left: list[Prediction], right: list[Prediction]) -> None:
    assert [p.sample_id for p in left] == [p.sample_id for p in right]
    for a, b in zip(left, right, strict=True):
        assert (a.status, a.error) == (b.status, b.error)
        assert a.choice_logprobs == pytest.approx(b.choice_logprobs, abs=AGREE)


def test_answers_come_in_the_order_of_the_requests(adapter: LlamaCpp) -> None:
    asked = questions(6)
    answers = in_order(adapter, asked)
    assert [a.sample_id for a in answers] == [r.sample_id for r in asked]
    assert {a.error for a in answers} == {""}
    assert all(a.latency_s > 0 and a.tokens > 0 for a in answers)
    scored = [a for a in answers if a.choice_logprobs]
    assert len(scored) == 12
    assert all(a.text == CHOICES[int(np.argmax(a.choice_logprobs))] for a in scored)


def test_slots_batches_and_order_change_no_answer(adapter: LlamaCpp) -> None:
    asked = questions(5)
    together = in_order(adapter, asked)
    serial = LlamaCpp(MODEL, MMPROJ, slots=1)
    try:
        one_by_one = [in_order(serial, [request])[0] for request in asked]
        backwards = in_order(serial, asked[::-1])[::-1]
    finally:
        serial.close()
    assert_same(together, one_by_one)
    assert_same(together, backwards)


def test_serial_runs_repeat() -> None:
    def run() -> list[Prediction]:
        made = LlamaCpp(MODEL, MMPROJ, slots=1)
        try:
            return [replace(p, latency_s=0.0) for p in in_order(made, questions(3))]
        finally:
            made.close()

    assert run() == run()


def test_every_answer_is_given_once_and_asking_can_be_abandoned(adapter: LlamaCpp) -> None:
    asked = questions(3)
    assert sorted(p.sample_id for p in adapter.predict(asked)) == sorted(r.sample_id for r in asked)
    abandoned = adapter.predict(asked)
    next(abandoned)
    abandoned.close()
    assert in_order(adapter, asked[:1])[0].status is not Status.ERROR


def test_choices_that_begin_alike_are_told_apart(adapter: LlamaCpp) -> None:
    shorter, longer = "nevus", "nevus, benign"
    answer = in_order(adapter, [closed("x", 1, choices=(shorter, longer, longer, ""))])[0]
    assert answer.error == ""
    assert answer.choice_logprobs[0] != answer.choice_logprobs[1]
    assert answer.choice_logprobs[1] == pytest.approx(answer.choice_logprobs[2], abs=AGREE)
    assert all(math.isfinite(x) and x < 0 for x in answer.choice_logprobs)


def test_a_choice_the_runtime_cannot_score_is_an_error_of_its_own(adapter: LlamaCpp) -> None:
    bytes_only, good = in_order(adapter, [closed("a", 1, choices=("日本", "nevus")), closed("c", 1)])
    assert bytes_only.status is Status.ERROR
    assert "'日本'" in bytes_only.error
    assert "splits one of its characters into bytes" in bytes_only.error
    assert good.status is Status.OK


def test_trouble_with_one_picture_stays_with_it(adapter: LlamaCpp) -> None:
    asked = [
        closed("good", 1),
        Request("broken", "classify the lesion", (Broken(),), CHOICES),
        Request("gone", "classify the lesion", (Broken(nameless=True),), CHOICES),
        Request("one of two", "classify the lesion", (Blobs(1), Broken()), CHOICES),
        Request("too long", "word " * 5000, (Blobs(1),)),
        closed("good too", 2),
    ]
    answers = {a.sample_id: a for a in in_order(adapter, asked)}
    assert [a.status for a in answers.values()] == [Status.OK, *[Status.ERROR] * 4, Status.OK]
    assert "image file is truncated" in answers["broken"].error
    assert "picture cannot be read" in answers["gone"].error
    assert "context size" in answers["too long"].error


def test_none_one_and_several_pictures(adapter: LlamaCpp) -> None:
    none, one, two, swapped, empty = in_order(
        adapter,
        [
            Request("none", "classify the lesion", (), CHOICES),
            Request("one", "classify the lesion", (Blobs(1),), CHOICES),
            Request("two", "classify the lesion", (Blobs(1), Blobs(2)), CHOICES),
            Request("swapped", "classify the lesion", (Blobs(2), Blobs(1)), CHOICES),
            Request("empty", "", (), CHOICES),
        ],
    )
    assert [p.error for p in (none, one, two, swapped, empty)] == [""] * 5
    assert len({p.choice_logprobs for p in (none, one, two, swapped, empty)}) == 5


def test_an_empty_prompt_about_a_picture(adapter: LlamaCpp) -> None:
    assert in_order(adapter, [closed("x", 1, prompt="")])[0].error == ""


def test_answers_that_were_cut_off_say_so(adapter: LlamaCpp) -> None:
    answer = in_order(adapter, [Request("x", "describe the image", (Blobs(1),), max_tokens=1)])[0]
    assert answer.status is Status.TRUNCATED
    assert answer.tokens == 1
    assert len(answer.token_logprobs) == 1


def test_max_tokens_of_the_model_bounds_every_request() -> None:
    bounded = LlamaCpp(MODEL, MMPROJ, max_tokens=2, slots=1)
    try:
        answer = in_order(bounded, [Request("x", "describe the image", (Blobs(1),), max_tokens=50)])[0]
    finally:
        bounded.close()
    assert answer.tokens <= 2


PICTURES = {
    "grey.png": Image.new("L", (112, 112), 120),
    "grey_alpha.png": Image.new("LA", (112, 112), (120, 200)),
    "rgba.png": Image.new("RGBA", (112, 112), (200, 120, 90, 128)),
    "palette.gif": Image.new("RGB", (112, 112), (200, 120, 90)).convert("P"),
    "16_bit.png": Image.fromarray(np.full((112, 112), 30_000, np.uint16)),
    "cmyk.jpg": Image.new("CMYK", (112, 112), (10, 90, 120, 20)),
    "bilevel.png": Image.new("1", (112, 112), 1),
    "one_pixel.png": Image.new("RGB", (1, 1), (200, 120, 90)),
    "wide.png": Image.new("RGB", (300, 20), (200, 120, 90)),
}


def test_files_of_every_kind(adapter: LlamaCpp, tmp_path: Path) -> None:
    for name, picture in PICTURES.items():
        picture.save(tmp_path / name)
    (tmp_path / "text.png").write_text("no picture")
    (tmp_path / "cut.png").write_bytes((tmp_path / "rgba.png").read_bytes()[:60])
    names = [*PICTURES, "text.png", "cut.png", "missing.png"]
    answers = in_order(adapter, [Request(n, "classify the lesion", (FileImage(n, tmp_path),), CHOICES) for n in names])
    assert [a.sample_id for a in answers if a.status is Status.OK] == list(PICTURES)
    assert all("picture cannot be read" in a.error for a in answers[-3:])


def test_a_loader_that_owes_us_rgb(adapter: LlamaCpp) -> None:
    modes = {p.mode: p for p in PICTURES.values()}
    answers = in_order(adapter, [Request(m, "classify the lesion", (Held(m, p),), CHOICES) for m, p in modes.items()])
    assert [a.sample_id for a in answers if a.status is Status.ERROR] == ["I;16"]
    assert "load() must return RGB" in next(a.error for a in answers if a.error)


def test_a_rotation_by_the_camera_is_undone(adapter: LlamaCpp, tmp_path: Path) -> None:
    upright = Blobs(3).load()
    exif = Image.Exif()
    exif[0x0112] = 6
    upright.save(tmp_path / "upright.png")
    upright.transpose(Image.Transpose.ROTATE_90).save(tmp_path / "turned.png", exif=exif)
    names = ("upright.png", "turned.png")
    first, second = in_order(adapter, [Request(n, "classify the lesion", (FileImage(n, tmp_path),), CHOICES) for n in names])
    assert first.choice_logprobs == pytest.approx(second.choice_logprobs, abs=AGREE)


def test_a_picture_that_is_not_square_is_stretched_not_padded(adapter: LlamaCpp) -> None:
    wide = Held("wide blobs", Blobs(4, (300, 112)).load())
    stretched = Held("stretched", wide.picture.resize((112, 112), Image.Resampling.BILINEAR))
    first, second = in_order(adapter, [Request(p.digest, "classify the lesion", (p,), CHOICES) for p in (wide, stretched)])
    assert first.choice_logprobs == pytest.approx(second.choice_logprobs, abs=AGREE)


def test_requests_about_one_picture_stay_together() -> None:
    asked = [
        Request("a", "q", (Blobs(1),)),
        Request("b", "q", (Blobs(2),)),
        Request("c", "a", (Blobs(1),)),
        Request("d", "q"),
        Request("e", "q"),
        Request("f", "q", (Broken(nameless=True),)),
    ]
    assert [[r.sample_id for r in group] for group in by_picture(asked)] == [["c", "a"], ["b"], ["d"], ["e"], ["f"]]


def test_the_model_is_loaded_by_the_first_question_only() -> None:
    made = LlamaCpp(MODEL, MMPROJ)
    assert made.fingerprint
    assert made.capabilities.score_choices
    made.close()
    loaded = [made.loaded]
    in_order(made, [closed("x", 1)])
    loaded.append(made.loaded)
    made.close()
    made.close()
    loaded.append(made.loaded)
    in_order(made, [closed("x", 1)])
    made.close()
    assert loaded == [False, True, False]


def test_two_models_one_after_the_other_and_side_by_side() -> None:
    answers = {}
    held = [LlamaCpp(WEIGHTS / f"phantomvl-{level}.gguf", MMPROJ) for level in ("f16", "q8_0", "q4_0")]
    try:
        for made in held:
            answers[made.name] = in_order(made, [closed("x", 1)])[0].choice_logprobs
    finally:
        for made in held:
            made.close()
    assert len(set(answers.values())) == 3
    assert answers["phantomvl-f16"] == pytest.approx(answers["phantomvl-q8_0"], abs=0.5)


def test_fingerprint_says_what_is_asked() -> None:
    found = LlamaCpp(WEIGHTS / "phantomvl-q4_0.gguf", MMPROJ).fingerprint
    assert found["quantization"] == "Q4_0"
    assert found["mmproj"]["quantization"] == "F16"
    assert found["mmproj"]["projector"] == "gemma3"
    assert found["architecture"] == "gemma3"
    assert 4 < found["bits_per_weight"] < 6
    assert found["parameters"] == read_header(MODEL).parameters + read_header(MMPROJ).parameters
    assert found["resize"] == "stretched to 112x112, bilinear with antialiasing"
    assert found["runtime"]["name"] == "xllamacpp"
    assert found["generation"]["temperature"] == 0.0


def test_fingerprint_changes_with_what_changes_answers_and_with_nothing_else() -> None:
    def of(**settings: Any) -> dict[str, Any]:
        return dict(LlamaCpp(settings.pop("model", MODEL), MMPROJ, **settings).fingerprint)

    assert of() == of(threads=2, slots=5, name="another name")
    for changed in (
        {"model": WEIGHTS / "phantomvl-q8_0.gguf"},
        {"temperature": 0.7},
        {"seed": 1},
        {"max_tokens": 9},
        {"context": 256},
    ):
        assert of() != of(**changed), changed


def run_python(code: str, timeout: float = 60) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, timeout=timeout, check=False
    )


ASKING = f"""
    from harness.adapters.llama_cpp import LlamaCpp
    from harness.types import Request
    adapter = LlamaCpp({str(MODEL)!r}, {str(MMPROJ)!r})
    print(next(adapter.predict([Request("x", "classify the lesion", (), ("nevus", "melanoma"))])).status)
"""


def test_a_program_that_forgets_to_close_ends_quietly() -> None:
    done = run_python(ASKING, timeout=30)
    assert (done.returncode, done.stdout, done.stderr) == (0, "ok\n", "")


def test_missing_weights_are_named_before_anything_heavy_is_imported() -> None:
    done = run_python(
        """
        import sys
        from harness.adapters.llama_cpp import LlamaCpp
        from harness.errors import MissingRequirementError
        try:
            LlamaCpp(None, "/nowhere/mmproj.gguf", name="skinvl_q4", environment=("SKINVL_Q4_GGUF", "SKINVL_MMPROJ_GGUF"))
        except MissingRequirementError as error:
            print(error)
        assert "xllamacpp" not in sys.modules and "gguf" not in sys.modules
        """
    )
    assert done.stderr == ""
    for wanted in ("skinvl_q4", "model.model", "not given", "/nowhere/mmproj.gguf", "SKINVL_Q4_GGUF", "model=phantomvl_q4"):
        assert wanted in done.stdout
