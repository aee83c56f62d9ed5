"""What a GGUF file says of itself: its settings, its tensors, and from them its size, quantization and completeness.

The header is read here and not with ``gguf.GGUFReader``, which makes one array an element: 14 s and 740 MB for a vocabulary of
262,144 words, where skipping the arrays takes a tenth of a second. The names of types still come from the ``gguf`` package.
"""

from __future__ import annotations

import math
import os
import struct
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from harness.errors import ConfigError

Scalar = str | int | float | bool

_MAGIC = b"GGUF"
_VERSIONS = (2, 3)
_SCALARS = {0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<?", 10: "<Q", 11: "<q", 12: "<d"}
_STRING, _ARRAY = 8, 9
_LONGEST_STRING = 1 << 26


@dataclass(frozen=True, slots=True)
class Tensor:
    """One tensor of a GGUF file: how many elements, of which ggml type (its number), how far into the data."""

    name: str
    elements: int
    type_id: int
    offset: int


@dataclass(frozen=True, slots=True)
class GgufHeader:
    """The header of a GGUF file.

    Attributes:
        path: The file.
        file_bytes: Its length.
        metadata: Every setting that is not an array.
        tensors: Every tensor, in the file's order.
        data_start: Where the first tensor's data begins, in bytes.
    """

    path: Path
    file_bytes: int
    metadata: Mapping[str, Scalar]
    tensors: tuple[Tensor, ...]
    data_start: int

    @property
    def architecture(self) -> str:
        """Name of the architecture, e.g. ``"gemma3"``, ``"clip"`` for a vision projector."""
        return str(self.metadata.get("general.architecture", "unknown"))

    @property
    def projector(self) -> str:
        """Kind of vision projector, e.g. ``"gemma3"``, ``"mlp"``; empty for a language model."""
        return str(self.metadata.get("clip.projector_type", self.metadata.get("clip.vision.projector_type", "")))

    @property
    def parameters(self) -> int:
        """Number of weights."""
        return sum(t.elements for t in self.tensors)

    @property
    def quantization(self) -> str:
        """The level the file declares, e.g. ``"Q4_0"``, ``"Q4_K_M"``; where it declares none, the type most of its weights have."""
        from gguf.constants import LlamaFileType

        declared = self.metadata.get("general.file_type")
        try:
            return (
                LlamaFileType(int(declared if declared is not None else -1)).name.removeprefix("MOSTLY_").removeprefix("ALL_")
            )
        except ValueError:
            return max(self.tensor_types.items(), key=lambda item: item[1], default=("unknown", 0))[0]

    @property
    def tensor_types(self) -> dict[str, int]:
        """Number of weights stored in each ggml type: what is really in the file, whatever it declares."""
        counts: Counter[str] = Counter()
        for tensor in self.tensors:
            counts[_type_name(tensor.type_id)] += tensor.elements
        return dict(sorted(counts.items()))

    @property
    def bits_per_weight(self) -> float:
        """Mean number of bits a weight takes, over all tensors; NaN when a type is not known to the ``gguf`` package."""
        return 8 * sum(_tensor_bytes(t) for t in self.tensors) / self.parameters if self.tensors else math.nan

    @property
    def missing_bytes(self) -> int:
        """How many bytes the file is too short for its tensors; above 0 it was cut off, e.g. by a broken download."""
        wanted = max((self.data_start + t.offset + _tensor_bytes(t) for t in self.tensors), default=self.data_start)
        return 0 if math.isnan(wanted) else max(0, math.ceil(wanted) - self.file_bytes)


def read_header(path: str | os.PathLike[str]) -> GgufHeader:
    """Read a GGUF file's header.

    Args:
        path: The file, little-endian GGUF version 2 or 3.

    Raises:
        OSError: The file cannot be opened.
        ConfigError: It is not such a file, or ends inside its header.
    """
    file = Path(path)
    with file.open("rb", buffering=1 << 20) as stream:
        try:
            return _read(file, stream)
        except (struct.error, UnicodeDecodeError, EOFError, KeyError) as error:
            raise ConfigError(
                f"{file} is a GGUF file with a broken header ({error or 'it ends too early'}). Fetch or convert it anew."
            ) from None


def _read(file: Path, stream: IO[bytes]) -> GgufHeader:
    magic = stream.read(4)
    if magic != _MAGIC:
        raise ConfigError(
            f"{file} is not a GGUF file: it begins with {magic!r}, not {_MAGIC!r}. Convert the model to GGUF first."
        )
    version = _number(stream, "<I")
    if version not in _VERSIONS:
        raise ConfigError(
            f"{file} is GGUF version {version}; versions {_VERSIONS[0]} and {_VERSIONS[1]} can be read. Convert it anew."
        )
    n_tensors, n_settings = int(_number(stream, "<Q")), int(_number(stream, "<Q"))
    metadata: dict[str, Scalar] = {}
    for _ in range(n_settings):
        name, value_type = _string(stream), int(_number(stream, "<I"))
        if value_type == _ARRAY:
            _skip_array(stream)
        else:
            metadata[name] = _string(stream) if value_type == _STRING else _number(stream, _SCALARS[value_type])
    tensors = tuple(_tensor(stream) for _ in range(n_tensors))
    alignment = int(metadata.get("general.alignment", 32)) or 32
    data_start = -(-stream.tell() // alignment) * alignment
    return GgufHeader(file, file.stat().st_size, metadata, tensors, data_start)


def _tensor(stream: IO[bytes]) -> Tensor:
    name, n_dimensions = _string(stream), int(_number(stream, "<I"))
    elements = math.prod(int(_number(stream, "<Q")) for _ in range(n_dimensions))
    return Tensor(name, elements, int(_number(stream, "<I")), int(_number(stream, "<Q")))


def _skip_array(stream: IO[bytes]) -> None:
    item_type, length = int(_number(stream, "<I")), int(_number(stream, "<Q"))
    if item_type == _STRING:
        for _ in range(length):
            stream.seek(int(_number(stream, "<Q")), os.SEEK_CUR)
    elif item_type == _ARRAY:
        for _ in range(length):
            _skip_array(stream)
    else:
        stream.seek(length * struct.calcsize(_SCALARS[item_type]), os.SEEK_CUR)


def _string(stream: IO[bytes]) -> str:
    length = int(_number(stream, "<Q"))
    if length > _LONGEST_STRING:
        raise EOFError(f"a text of {length} bytes")
    return _exactly(stream, length).decode("utf-8")


def _number(stream: IO[bytes], form: str) -> int | float | bool:
    value: int | float | bool = struct.unpack(form, _exactly(stream, struct.calcsize(form)))[0]
    return value


def _exactly(stream: IO[bytes], length: int) -> bytes:
    found = stream.read(length)
    if len(found) < length:
        raise EOFError
    return found


def _type_name(type_id: int) -> str:
    from gguf.constants import GGMLQuantizationType

    try:
        return GGMLQuantizationType(type_id).name
    except ValueError:
        return f"type {type_id}"


def _tensor_bytes(tensor: Tensor) -> float:
    from gguf.constants import GGML_QUANT_SIZES, GGMLQuantizationType

    try:
        block, size = GGML_QUANT_SIZES[GGMLQuantizationType(tensor.type_id)]
    except (ValueError, KeyError):
        return math.nan
    return tensor.elements / block * size
