"""From a picture to what a runtime is sent: three channels, the size the model wants, PNG in base64."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageOps

from harness.types import ImageRef


@dataclass(frozen=True, slots=True)
class PictureSize:
    """How pictures are brought to a model's size before the runtime sees them.

    Attributes:
        side: Side of the square they are stretched to, in pixels; ``None`` leaves their size to the runtime.
    """

    side: int | None = None

    @property
    def rule(self) -> str:
        """The rule in words, for the record."""
        if self.side is None:
            return "left to the runtime"
        return f"stretched to {self.side}x{self.side}, bilinear with antialiasing"

    def apply(self, picture: Image.Image) -> Image.Image:
        """Return the picture at the model's size. Pillow's bilinear filter antialiases, as the Hugging Face processors' does."""
        if self.side is None or picture.size == (self.side, self.side):
            return picture
        return picture.resize((self.side, self.side), Image.Resampling.BILINEAR)


def encoded_pictures(images: tuple[ImageRef, ...], size: PictureSize) -> tuple[str, ...]:
    """Open pictures and return each as a base64 PNG, which loses nothing.

    Raises:
        OSError: One is missing, truncated or not a picture.
    """
    return tuple(_png(size.apply(three_channels(image.load()))) for image in images)


def three_channels(picture: Image.Image) -> Image.Image:
    """Return a picture as upright 8-bit RGB.

    16-bit greys are scaled (Pillow alone would cut them off at 255), transparency is laid on white, the camera's rotation is undone.
    """
    # Loaders owe us RGB; a picture that is already so passes untouched, and a user's own loader may well not do it.
    if picture.mode == "RGB" and not picture.getexif().get(_ORIENTATION):
        return picture
    picture = ImageOps.exif_transpose(picture)
    if picture.mode.startswith("I") or picture.mode == "F":
        picture = _eight_bits(picture)
    if picture.has_transparency_data:
        picture = picture.convert("RGBA")
        picture = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture)
    return picture.convert("RGB")


_ORIENTATION = 0x0112


def _eight_bits(picture: Image.Image) -> Image.Image:
    values = np.asarray(picture, dtype=np.float64)
    scale = 65535.0 if picture.mode.startswith("I") else 1.0
    return Image.fromarray(np.clip(values / scale * 255 + 0.5, 0, 255).astype(np.uint8))


def _png(picture: Image.Image) -> str:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", compress_level=1)  # twice as quick to write as the default, nearly as small
    return base64.b64encode(buffer.getvalue()).decode("ascii")
