"""What exactly a llama.cpp model is, from its files alone: nothing here loads it."""

from __future__ import annotations

import hashlib
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from harness.adapters.choice_scoring import SCORING_RULE
from harness.adapters.generation import Generation
from harness.adapters.gguf_header import GgufHeader
from harness.adapters.llama_server import RUNTIME
from harness.adapters.pictures import PictureSize
from harness.adapters.weights import file_digest
from harness.errors import ConfigError

# llama.cpp pads pictures that are not square, where these models' own processors stretch them (13 nats apart on a 3:2 picture).
# The others are left to it: LLaVA's own code pads as llama.cpp does, Qwen2-VL and its like keep the picture's shape.
_STRETCHED = frozenset({"gemma3"})

_CLASS_TOKEN_FAULT = (
    "CLIP-type LLaVA projector (clip.projector_type=mlp with a class token, v.class_embd): llama.cpp puts the class token after the "
    "patches instead of before them, so the model sees another picture than the original weights do; answers were measured 0.26 to 1.1 "
    "nats away from Hugging Face. Known at llama.cpp as issues 25814 and 25817, mend in pull request 25844; it holds for xllamacpp "
    "2026.10.11549. The transformers runtime is faithful. Levels of quantization compared inside llama.cpp share the fault."
)


_SWAPPED = "Are model and mmproj swapped?"


def check_pair(model: GgufHeader, mmproj: GgufHeader) -> None:
    """Check that two files are a language model and a vision projector, and whole.

    Raises:
        ConfigError: One is the other's kind, or was cut off.
    """
    if model.projector or model.architecture == "clip":
        raise ConfigError(f"model={model.path} is a vision projector, not a language model. {_SWAPPED}")
    if not mmproj.projector:
        raise ConfigError(f"mmproj={mmproj.path} is a {mmproj.architecture} model, not a vision projector. {_SWAPPED}")
    for header in (model, mmproj):
        if header.missing_bytes:
            raise ConfigError(f"{header.path} is cut off: {header.missing_bytes} bytes are missing at its end. Fetch it anew.")


def picture_size(mmproj: GgufHeader) -> PictureSize:
    """Return how pictures are brought to the model's size, as its own processor does it."""
    side = mmproj.metadata.get("clip.vision.image_size")
    return PictureSize(int(side) if side and mmproj.projector in _STRETCHED else None)


def begins_with_space(model: GgufHeader) -> bool:
    """Whether the tokenizer puts a space before a text: SentencePiece models do unless they say no."""
    sentencepiece = model.metadata.get("tokenizer.ggml.model") == "llama"
    return sentencepiece and bool(model.metadata.get("tokenizer.ggml.add_space_prefix", True))


def declared_ends(model: GgufHeader) -> tuple[int, ...]:
    """Return the ids of the tokens the file says end a turn or a text."""
    names = ("tokenizer.ggml.eot_token_id", "tokenizer.ggml.eos_token_id")
    return tuple(int(model.metadata[name]) for name in names if name in model.metadata)


def warnings(mmproj: GgufHeader) -> tuple[str, ...]:
    """Return what is known to go wrong with this kind of model in this runtime."""
    faulty = mmproj.projector == "mlp" and any(t.name == "v.class_embd" for t in mmproj.tensors)
    return (_CLASS_TOKEN_FAULT,) if faulty else ()


def fingerprint(model: GgufHeader, mmproj: GgufHeader, generation: Generation, context: int) -> dict[str, Any]:
    """Return everything that can change an answer, JSON-ready. Names, paths, threads and slots are not in it.

    Raises:
        OSError: A file cannot be read.
    """
    template = str(model.metadata.get("tokenizer.chat_template", ""))
    return {
        "adapter": "llama_cpp",
        "architecture": model.architecture,
        "quantization": model.quantization,
        "bits_per_weight": round(model.bits_per_weight, 3),
        "parameters": model.parameters + mmproj.parameters,
        "model": _file(model),
        "mmproj": {**_file(mmproj), "projector": mmproj.projector, "image_size": mmproj.metadata.get("clip.vision.image_size")},
        "chat_template_sha256": hashlib.sha256(template.encode()).hexdigest() if template else None,
        "runtime": {"name": RUNTIME, "version": _runtime_version()},
        "resize": picture_size(mmproj).rule,
        "choice_scoring": SCORING_RULE,
        "context": context,
        "generation": generation.record(),
    }


def _file(header: GgufHeader) -> dict[str, Any]:
    return {
        "sha256": file_digest(header.path),
        "bytes": header.file_bytes,
        "quantization": header.quantization,
        "bits_per_weight": round(header.bits_per_weight, 3),
        "tensor_types": header.tensor_types,
        "parameters": header.parameters,
    }


def _runtime_version() -> str:
    try:
        return version(RUNTIME)
    except PackageNotFoundError:
        return "not installed"
