"""The phantom's drawing: deterministic, true to its truth, and blind to skin type except through pigment."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from harness.phantom.outline import visible_box
from harness.phantom.render import PhantomImage, render
from harness.phantom.scene import FITZPATRICK, FRAME, Scene
from harness.phantom.skin import SKIN_TYPES, draw_skin, fitzpatrick_of, lab_to_rgb, rgb_to_lab, typology_angle
from harness.phantom.splits import scenes
from harness.phantom.tissue import lesion_mask, reflectance
from harness.types import ImageRef

# Mean red, green and blue of some pictures, as the weights were trained on them.
GOLDEN = {
    "train-p0000-0": (174.53, 146.68, 136.01),
    "train-p0020-0": (173.50, 132.91, 123.80),
    "train-p0044-3": (148.81, 136.00, 123.74),
    "train-p0068-0": (162.06, 134.33, 108.45),
    "train-p0120-1": (177.37, 124.04, 100.07),
}


def bare(scene: Scene) -> Scene:
    """Return the scene without lesions and freckles."""
    return replace(scene, lesions=(), artefacts=replace(scene.artefacts, freckles=()))


def test_drawing_depends_on_the_scene_alone() -> None:
    some = scenes("test")[40:44]
    forwards = [render(scene) for scene in some]
    backwards = [render(scene) for scene in reversed(some)][::-1]
    for first, second in zip(forwards, backwards, strict=True):
        assert first.shape == (FRAME, FRAME, 3)
        assert first.dtype == np.uint8
        np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("id_", sorted(GOLDEN))
def test_pictures_are_those_the_weights_were_trained_on(id_: str) -> None:
    scene = next(scene for scene in scenes("train", 400) if scene.id == id_)
    np.testing.assert_allclose(render(scene).mean((0, 1)), GOLDEN[id_], atol=0.3)


def test_box_from_the_outline_is_the_box_of_the_drawn_mask() -> None:
    lesions = [lesion for scene in scenes("test")[:300] for lesion in scene.lesions]
    assert len(lesions) > 300
    for lesion in lesions:
        mask = lesion_mask(lesion)
        rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
        drawn = (columns[0], rows[0], columns[-1] + 1, rows[-1] + 1)
        np.testing.assert_allclose(visible_box(lesion), drawn, atol=1.0)


def test_a_lesion_outside_the_frame_has_no_box() -> None:
    lesion = next(scene for scene in scenes("test") if scene.lesions).lesions[0]
    with pytest.raises(ValueError, match="lies outside the frame"):
        visible_box(replace(lesion, x=-500.0))


def test_skin_before_the_camera_lies_in_the_band_of_its_type() -> None:
    differences = []
    for scene in scenes("test")[:60]:
        plain = bare(scene)
        colour = reflectance(plain, np.random.default_rng(plain.seed)).mean((1, 2))
        ita = typology_angle(rgb_to_lab(colour))
        band = SKIN_TYPES[scene.skin.fitzpatrick]
        assert band.ita_low <= ita <= band.ita_high
        differences.append(abs(ita - scene.skin.ita))
    # The texture of one picture moves its mean, so one of them may stray; nearly all, and their middle, may not.
    assert np.median(differences) < 1.0
    assert np.percentile(differences, 95) < 2.0
    assert max(differences) < 5.0


def test_skin_colours_stay_in_their_band_and_get_darker_and_browner() -> None:
    brightness = []
    for name in FITZPATRICK:
        skins = [draw_skin(np.random.default_rng(seed), name) for seed in range(200)]
        assert {fitzpatrick_of(skin.ita) for skin in skins} == {name}
        rgb = np.mean([lab_to_rgb(50 + s.b * np.tan(np.radians(s.ita)), s.a, s.b) for s in skins], axis=0)
        assert rgb[0] > rgb[1] > rgb[2]
        assert rgb[0] - rgb[2] < 90, "orange, not brown"
        brightness.append(rgb.sum())
    assert brightness == sorted(brightness, reverse=True)


def test_lab_round_trip() -> None:
    for lab in ((70.0, 8.0, 13.0), (38.0, 10.0, 14.0)):
        np.testing.assert_allclose(rgb_to_lab(lab_to_rgb(*lab)), lab, atol=1e-3)


def test_matched_redraws_differ_in_pigment_only() -> None:
    matched = scenes("matched", 120)
    for start in range(0, 60, 6):
        six = matched[start : start + 6]
        assert tuple(scene.skin.fitzpatrick for scene in six) == FITZPATRICK
        assert len({replace(s, id="", skin=six[0].skin, patient=six[0].patient) for s in six}) == 1
        assert len({PhantomImage(scene).digest for scene in six}) == 6


def test_contrast_falls_on_darker_skin() -> None:
    matched = [scene for scene in scenes("matched", 120) if scene.lesions]
    contrast = {}
    for name in FITZPATRICK:
        of_type = [scene for scene in matched if scene.skin.fitzpatrick == name]
        differences = []
        for scene in of_type:
            light = reflectance(scene, np.random.default_rng(scene.seed)).mean(0)
            inside = lesion_mask(scene.lesions[0])
            differences.append(light[~inside].mean() - light[inside].mean())
        contrast[name] = float(np.mean(differences))
    assert list(contrast.values()) == sorted(contrast.values(), reverse=True)


def test_digest_names_the_pixels_and_not_the_patient() -> None:
    scene = scenes("test")[0]
    image = PhantomImage(scene)
    assert isinstance(image, ImageRef)
    assert image.digest == PhantomImage(replace(scene, id="other", history="stable")).digest
    assert image.digest != PhantomImage(replace(scene, seed=scene.seed + 1)).digest
    assert image.load().size == (FRAME, FRAME)
