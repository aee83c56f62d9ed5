"""The camera: cast, vignette, automatic exposure, noise, the rim of a dermatoscope, blur, JPEG."""

from __future__ import annotations

import io
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from harness.phantom.scene import FRAME, Device
from harness.phantom.textures import CORNER_DISTANCE

TARGET_LEVEL: Final = 160.0
"""Mean level the automatic exposure aims at."""
EXPOSURE_POWER: Final = 0.32
"""How far it gets there: 0 leaves the picture as dark as the skin, 1 makes every skin equally bright."""


def photograph(
    light: NDArray[np.float32], device: Device, scope_rim: float | None, rng: np.random.Generator
) -> NDArray[np.uint8]:
    """Take the picture.

    Args:
        light: (3, 112, 112), 0..255 under neutral light.
        device: The camera.
        scope_rim: Where the rim of a dermatoscope starts, in half diagonals; ``None`` for no rim.
        rng: Noise is drawn from it.

    Returns:
        (112, 112, 3) RGB.
    """
    picture = light * np.array(device.gains, np.float32)[:, None, None]
    picture *= 1 - np.float32(device.vignette) * CORNER_DISTANCE**2
    # Metering sees whatever is in the frame: dark skin is brought up by a gain that amplifies the noise with it.
    metered = float(np.clip((TARGET_LEVEL / max(float(picture.mean()), 1.0)) ** EXPOSURE_POWER, 0.85, 1.8))
    gain = np.float32(metered * device.exposure)
    deviation = device.noise * gain * np.sqrt(14.0 + 0.20 * np.clip(picture, 0, 255))
    coloured = rng.standard_normal((3, FRAME, FRAME), dtype=np.float32)
    grey = rng.standard_normal((1, FRAME, FRAME), dtype=np.float32)
    picture = picture * gain + deviation * (0.75 * coloured + 0.60 * grey)
    if scope_rim is not None:
        picture *= 1 / (1 + np.exp(np.clip((CORNER_DISTANCE - scope_rim) * 60, -30, 30)))
    return _develop(np.clip(picture, 0, 255).astype(np.uint8).transpose(1, 2, 0), device)


def _develop(pixels: NDArray[np.uint8], device: Device) -> NDArray[np.uint8]:
    """Blur and compress (112, 112, 3) pixels as the camera does."""
    if not device.blur and not device.jpeg_quality:
        return np.ascontiguousarray(pixels)
    image = Image.fromarray(np.ascontiguousarray(pixels))
    if device.blur:
        image = image.filter(ImageFilter.GaussianBlur(device.blur))
    if device.jpeg_quality:
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", quality=device.jpeg_quality)
        image = Image.open(buffer).convert("RGB")
    return np.asarray(image)
