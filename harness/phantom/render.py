"""From a scene to pixels (about 2.5 ms)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache, cached_property
from importlib import resources
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from harness.phantom.camera import photograph
from harness.phantom.overlays import lay_over
from harness.phantom.scene import Scene
from harness.phantom.tissue import reflectance

_DRAWING_CODE: Final = (
    "camera.py",
    "outline.py",
    "overlays.py",
    "render.py",
    "scene.py",
    "skin.py",
    "textures.py",
    "tissue.py",
)


def render(scene: Scene) -> NDArray[np.uint8]:
    """Draw a scene: (112, 112, 3) RGB. Depends on nothing but the scene."""
    rng = np.random.default_rng(scene.seed)
    picture = reflectance(scene, rng)
    lay_over(picture, scene.artefacts)
    return photograph(picture, scene.device, scene.artefacts.scope_rim, rng)


@cache
def drawing_digest() -> str:
    """Return the SHA-256 of the code that draws."""
    folder = resources.files("harness.phantom")
    return hashlib.sha256(b"\0".join(folder.joinpath(name).read_bytes() for name in _DRAWING_CODE)).hexdigest()


@dataclass(frozen=True, eq=False)
class PhantomImage:
    """A picture that is drawn when it is needed. Satisfies `harness.types.ImageRef`; equal when the digests are."""

    scene: Scene

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PhantomImage) and self.digest == other.digest

    def __hash__(self) -> int:
        return hash(self.digest)

    @cached_property
    def digest(self) -> str:
        """SHA-256 over the code that draws and what is drawn; computed without drawing."""
        seen = (self.scene.skin, self.scene.lesions, self.scene.artefacts, self.scene.device, self.scene.seed)
        return hashlib.sha256(f"{drawing_digest()}\n{seen!r}".encode()).hexdigest()

    def load(self) -> Image.Image:
        """Draw the picture, 112 x 112 RGB."""
        return Image.fromarray(render(self.scene))
