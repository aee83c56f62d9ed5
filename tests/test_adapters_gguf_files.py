"""Reading GGUF headers, checking a pair of files, and what is known of them without loading anything."""

import json
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest
from gguf import GGMLQuantizationType, LlamaFileType

from harness.adapters import llama_identity
from harness.adapters.generation import Generation
from harness.adapters.gguf_header import read_header
from harness.adapters.llama_cpp import LlamaCpp
from harness.adapters.weights import check_weights, file_digest
from harness.errors import AdapterError, ConfigError, MissingRequirementError


def language_model(path: Path, *, spaced: bool | None = None, file_type: int | None = LlamaFileType.MOSTLY_Q8_0) -> Path:
    writer = gguf.GGUFWriter(path, "llama")
    if file_type is not None:
        writer.add_file_type(file_type)
    writer.add_context_length(8192)
    writer.add_tokenizer_model("llama")
    writer.add_token_list([f"token {i}" for i in range(1000)])
    writer.add_token_scores([0.5] * 1000)
    writer.add_array("nested.names", ["a", "bc"])
    writer.add_eos_token_id(2)
    writer.add_chat_template("{{ messages[0].content }}")
    if spaced is not None:
        writer.add_add_space_prefix(spaced)
    weight = np.zeros((64, 32), np.float32)
    writer.add_tensor("a.weight", gguf.quants.quantize(weight, GGMLQuantizationType.Q8_0), raw_dtype=GGMLQuantizationType.Q8_0)
    writer.add_tensor("a.norm", np.zeros(64, np.float32))
    return finished(writer, path)


def projector(path: Path, kind: str = "mlp", tensor: str = "v.class_embd", **settings: Any) -> Path:
    writer = gguf.GGUFWriter(path, "clip")
    writer.add_string("clip.projector_type", kind)
    writer.add_vision_image_size(336)
    writer.add_tensor(tensor, np.zeros((4, 32), np.float16))
    return finished(writer, path)


def finished(writer: gguf.GGUFWriter, path: Path) -> Path:
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def test_header_agrees_with_the_gguf_package(tmp_path: Path) -> None:
    path = language_model(tmp_path / "m.gguf")
    header, reader = read_header(path), gguf.GGUFReader(path)
    assert [t.name for t in header.tensors] == [t.name for t in reader.tensors]
    assert header.parameters == sum(t.n_elements for t in reader.tensors)
    assert header.bits_per_weight == pytest.approx(8 * sum(t.n_bytes for t in reader.tensors) / header.parameters)
    assert [header.data_start + t.offset for t in header.tensors] == [t.data_offset for t in reader.tensors]
    scalars = {k: f.contents() for k, f in reader.fields.items() if not k.startswith("GGUF.") and len(f.types) == 1}
    assert dict(header.metadata) == scalars
    assert header.tensor_types == {"F32": 64, "Q8_0": 2048}
    assert header.missing_bytes == 0


def test_quantization_is_what_the_file_declares_or_what_most_weights_have(tmp_path: Path) -> None:
    assert read_header(language_model(tmp_path / "q4.gguf", file_type=LlamaFileType.MOSTLY_Q4_K_M)).quantization == "Q4_K_M"
    assert read_header(language_model(tmp_path / "f32.gguf", file_type=LlamaFileType.ALL_F32)).quantization == "F32"
    assert read_header(language_model(tmp_path / "none.gguf", file_type=None)).quantization == "Q8_0"
    assert read_header(language_model(tmp_path / "new.gguf", file_type=9999)).quantization == "Q8_0"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "not a GGUF file"),
        (b"PK\x03\x04 something", "not a GGUF file"),
        (b"GGUF\x01\0\0\0", "version 1"),
        (b"GGUF\x03\0\0\0\x01", "broken header"),
        (b"GGUF\x03\0\0\0" + (1).to_bytes(8, "little") * 2 + b"\xff" * 8, "broken header"),
        (b"GGUF\x03\0\0\0" + (0).to_bytes(8, "little") + (1).to_bytes(8, "little") * 2 + b"a" + b"\x63\0\0\0", "broken header"),
    ],
)
def test_a_file_that_is_not_gguf_is_named(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "x.gguf"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=said) as caught:
        read_header(path)
    assert str(path) in str(caught.value)


def test_a_header_cut_anywhere_is_a_broken_header(tmp_path: Path) -> None:
    whole = language_model(tmp_path / "m.gguf").read_bytes()
    cut = tmp_path / "cut.gguf"
    for length in range(24, read_header(tmp_path / "m.gguf").data_start - 32, 997):
        cut.write_bytes(whole[:length])
        with pytest.raises(ConfigError, match="broken header"):
            read_header(cut)


def test_a_download_that_broke_off_says_how_much_is_missing(tmp_path: Path) -> None:
    model, mmproj = language_model(tmp_path / "m.gguf"), projector(tmp_path / "p.gguf")
    data_end = read_header(model).data_start + 64 * 34 + 64 * 4  # the writer pads behind the last tensor
    model.write_bytes(model.read_bytes()[: data_end - 5])
    with pytest.raises(ConfigError, match="5 bytes are missing"):
        llama_identity.check_pair(read_header(model), read_header(mmproj))


def test_swapped_files_are_told(tmp_path: Path) -> None:
    model, mmproj = language_model(tmp_path / "m.gguf"), projector(tmp_path / "p.gguf")
    with pytest.raises(ConfigError, match="swapped"):
        _ = LlamaCpp(mmproj, model).fingerprint
    with pytest.raises(ConfigError, match="not a vision projector"):
        _ = LlamaCpp(model, model).fingerprint


def test_the_class_token_fault_is_known_by_the_file(tmp_path: Path) -> None:
    model = language_model(tmp_path / "m.gguf")
    (warning,) = LlamaCpp(model, projector(tmp_path / "clip.gguf")).warnings
    for wanted in ("class token", "25814", "25817", "25844", "0.26 to 1.1"):
        assert wanted in warning
    assert LlamaCpp(model, projector(tmp_path / "no_class.gguf", tensor="v.patch_embd.weight")).warnings == ()
    assert LlamaCpp(model, projector(tmp_path / "gemma.gguf", kind="gemma3")).warnings == ()


def test_pictures_are_stretched_where_the_models_own_processor_stretches(tmp_path: Path) -> None:
    assert llama_identity.picture_size(read_header(projector(tmp_path / "g.gguf", kind="gemma3"))).side == 336
    assert llama_identity.picture_size(read_header(projector(tmp_path / "l.gguf", kind="mlp"))).side is None
    assert llama_identity.picture_size(read_header(projector(tmp_path / "q.gguf", kind="qwen2.5vl_merger"))).side is None


@pytest.mark.parametrize(("declared", "spaced"), [(None, True), (True, True), (False, False)])
def test_which_tokenizers_begin_with_a_space(tmp_path: Path, declared: bool | None, spaced: bool) -> None:
    assert llama_identity.begins_with_space(read_header(language_model(tmp_path / "m.gguf", spaced=declared))) is spaced


def test_fingerprint_is_json_and_holds_both_digests(tmp_path: Path) -> None:
    model, mmproj = language_model(tmp_path / "m.gguf"), projector(tmp_path / "p.gguf")
    adapter = LlamaCpp(model, mmproj)
    found = json.loads(json.dumps(dict(adapter.fingerprint), allow_nan=False))
    assert found["model"]["sha256"] == file_digest(model)
    assert found["mmproj"]["sha256"] == file_digest(mmproj)
    assert found["context"] == 4096  # the model could do more; nobody asked
    assert found["resize"] == "left to the runtime"
    assert not adapter.loaded


def test_digest_follows_the_file(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"one")
    first = file_digest(path)
    path.write_bytes(b"two and more")
    assert file_digest(path) != first


def test_weights_that_no_runtime_takes_are_an_adapter_error(tmp_path: Path) -> None:
    broken = LlamaCpp(language_model(tmp_path / "m.gguf"), projector(tmp_path / "p.gguf"))
    with pytest.raises(AdapterError, match=r"could not load m\.gguf with p\.gguf"):
        list(broken.predict([]))
    broken.close()


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"temperature": -1}, "temperature=-1 is out of range; allowed: 0 or more"),
        ({"top_p": 0}, "top_p"),
        ({"top_k": -1}, "top_k"),
        ({"min_p": 2}, "min_p"),
        ({"repeat_penalty": 0}, "repeat_penalty"),
        ({"repeat_last_n": -1}, "repeat_last_n"),
        ({"seed": -1}, "seed"),
        ({"max_tokens": 0}, "max_tokens"),
    ],
)
def test_settings_out_of_range_are_named(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        Generation(**settings)


@pytest.mark.parametrize("setting", ["context", "slots", "threads"])
def test_sizes_must_be_positive(tmp_path: Path, setting: str) -> None:
    model, mmproj = language_model(tmp_path / "m.gguf"), projector(tmp_path / "p.gguf")
    size: dict[str, Any] = {setting: 0}
    with pytest.raises(ConfigError, match=f"{setting}=0"):
        LlamaCpp(model, mmproj, **size)


def test_check_weights(tmp_path: Path) -> None:
    here = tmp_path / "here.gguf"
    here.touch()
    assert check_weights(str(here), here) == (here, here)
    with pytest.raises(MissingRequirementError) as caught:
        check_weights(here, tmp_path, name="mine", settings=("a.model", "a.mmproj"), instead="tiny")
    for wanted in ("mine", "a.model: found", f"{tmp_path} is a folder", "a.model=PATH a.mmproj=PATH", "model=tiny"):
        assert wanted in str(caught.value)
    assert caught.value.exit_code == 2
    with pytest.raises(MissingRequirementError, match=r"not given[\s\S]*not given[\s\S]*A_GGUF and B_GGUF"):
        check_weights(None, "", environment=("A_GGUF", "B_GGUF"))
