"""Pictures that can be named without being opened: files inside a data set's folder, and arrays."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from harness.errors import TableError

if TYPE_CHECKING:
    from PIL.Image import Image

MOST_PIXELS = 80_000_000
"""A larger picture is refused before its pixels are decoded: a small file can claim a size that fills the memory."""

_EXIF_ORIENTATION = 0x0112
_SIDEWAYS = (5, 6, 7, 8)


class FileImage:
    """A picture file inside a folder.

    Args:
        path: The file, relative to the folder (or absolute inside it).
        root: The folder it must not leave.

    Raises:
        TableError: The path leads out of the folder. Links are followed only when the file is opened: one that leads out is an
            ``OSError`` then, so that naming 100,000 pictures touches no disk.
    """

    __slots__ = ("_digest", "path", "root")

    def __init__(self, path: str | os.PathLike[str], root: str | os.PathLike[str]) -> None:
        self.root = os.path.abspath(root)
        self.path = os.path.normpath(os.path.join(self.root, path))
        self._digest: str | None = None
        if "\0" in self.path or not _inside(self.path, self.root):
            raise TableError(
                f"The picture path '{os.fspath(path)}' leads out of the folder {self.root}. Pictures must lie inside it."
            )

    def __repr__(self) -> str:
        return f"FileImage({os.path.relpath(self.path, self.root)!r})"

    @property
    def digest(self) -> str:
        """SHA-256 of the file's bytes. Raises ``OSError`` when it cannot be read."""
        if self._digest is None:
            with open(self._real(), "rb") as stream:
                self._digest = hashlib.file_digest(stream, "sha256").hexdigest()
        return self._digest

    def load(self) -> Image:
        """Return the picture as RGB, turned upright by its EXIF orientation; the first frame of several, transparency dropped.

        Raises:
            OSError: The file is missing, truncated, not a picture, larger than `MOST_PIXELS`, of floating-point pixels, or a link
                that leads out of the folder.
        """
        from PIL import Image, ImageOps

        real = self._real()
        try:
            with Image.open(real) as picture:
                _check_size(picture.size)
                return to_rgb(ImageOps.exif_transpose(picture))
        except OSError:
            raise
        # Decoders raise whatever their parsing stumbles over (SyntaxError, struct.error, bomb errors); to a caller it is one fact.
        except Exception as error:
            raise OSError(f"{self.path} cannot be decoded: {error}") from error

    def size(self) -> tuple[int, int]:
        """Return width and height in pixels of the upright picture, from its header alone. Raises ``OSError`` as `load` does."""
        from PIL import Image

        real = self._real()
        try:
            with Image.open(real) as picture:
                _check_size(picture.size)
                width, height = picture.size
                return (height, width) if picture.getexif().get(_EXIF_ORIENTATION) in _SIDEWAYS else (width, height)
        except OSError:
            raise
        except Exception as error:
            raise OSError(f"{self.path} cannot be decoded: {error}") from error

    def _real(self) -> str:
        real = os.path.realpath(self.path)
        if not _inside(real, os.path.realpath(self.root)):
            raise PermissionError(f"{self.path} is a link that leads out of the folder {self.root}")
        return real


class MemoryImage:
    """A picture held as an array.

    Args:
        pixels: ``(height, width, 3)`` or ``(height, width)`` of ``uint8``; copied.

    Raises:
        ValueError: Another shape or type.
    """

    __slots__ = ("_digest", "_pixels")

    def __init__(self, pixels: NDArray[np.uint8]) -> None:
        if (
            pixels.dtype != np.uint8
            or pixels.ndim not in (2, 3)
            or (pixels.ndim == 3 and pixels.shape[2] != 3)
            or 0 in pixels.shape
        ):
            raise ValueError(
                f"a picture is (height, width) or (height, width, 3) of uint8, got {pixels.shape} of {pixels.dtype}"
            )
        self._pixels = np.array(pixels, order="C")
        self._digest: str | None = None

    @property
    def digest(self) -> str:
        """SHA-256 of shape and pixels."""
        if self._digest is None:
            self._digest = hashlib.sha256(f"{self._pixels.shape}".encode() + self._pixels.tobytes()).hexdigest()
        return self._digest

    def load(self) -> Image:
        """Return the picture as RGB."""
        from PIL import Image

        return Image.fromarray(self._pixels).convert("RGB")


def to_rgb(picture: Image) -> Image:
    """Return an opened picture as RGB; 16-bit greys are scaled by their full range, not by what this picture happens to use.

    Raises:
        OSError: Floating-point pixels, which have no agreed range.
    """
    if picture.mode == "F":
        raise OSError("floating-point pixels have no agreed range: save the picture with 8 or 16 bits")
    if picture.mode.startswith("I"):
        from PIL import Image

        values: NDArray[Any] = np.asarray(picture).astype(np.float64) / 257.0
        return Image.fromarray(np.clip(np.rint(values), 0, 255).astype(np.uint8)).convert("RGB")
    if picture.mode in ("P", "PA"):  # a palette's transparency is only understood on the way over RGBA
        picture = picture.convert("RGBA")
    return picture.convert("RGB")


def _check_size(size: tuple[int, int]) -> None:
    if size[0] * size[1] > MOST_PIXELS:
        raise OSError(f"{size[0]} x {size[1]} pixels are more than the {MOST_PIXELS:,} allowed")


def _inside(path: str, root: str) -> bool:
    return Path(path).is_relative_to(root)
