"""From a picture to what a runtime is sent: three channels, the size the model wants, PNG in base64."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass

from PIL import Image

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
    """Return a picture as 8-bit RGB, which loaders owe us; what a user's own loader gives instead is converted where that is safe.

    Raises:
        OSError: Its pixels have more than 8 bits, and what range they use only the loader can know.
    """
    if picture.mode == "F" or picture.mode.startswith("I"):
        raise OSError(f"its loader gave pixels of mode {picture.mode}, which have no agreed range: load() must return RGB")
    return picture if picture.mode == "RGB" else picture.convert("RGB")


def _png(picture: Image.Image) -> str:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", compress_level=1)  # twice as quick to write as the default, nearly as small
    return base64.b64encode(buffer.getvalue()).decode("ascii")
