"""Pictures: upright, RGB, inside their folder, and never a bomb."""

import hashlib

import numpy as np
import pytest
from PIL import Image

import harness.data.images as images
from harness.data.images import FileImage, MemoryImage
from harness.errors import TableError
from harness.types import ImageRef

RAMP = np.arange(24, dtype=np.uint8).reshape(2, 4, 3) * 10


def saved(folder, name, array, **options):
    Image.fromarray(array).save(folder / name, **options)
    return FileImage(name, folder)


def test_digest_is_of_the_files_bytes_and_kept(tmp_path):
    picture = saved(tmp_path, "a.png", RAMP)
    assert isinstance(picture, ImageRef)
    first = hashlib.sha256((tmp_path / "a.png").read_bytes()).hexdigest()
    assert picture.digest == first
    (tmp_path / "a.png").unlink()
    assert picture.digest == first
    assert repr(picture) == "FileImage('a.png')"


def test_rgb_comes_back_as_saved(tmp_path):
    assert np.array_equal(np.asarray(saved(tmp_path, "a.png", RAMP).load()), RAMP)


def test_exif_orientation_is_applied(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    picture = saved(tmp_path, "a.png", RAMP, exif=exif)
    assert picture.load().size == (2, 4) == picture.size()
    assert np.array_equal(np.asarray(picture.load()), np.rot90(RAMP, -1))


def test_sixteen_bits_are_scaled_by_their_full_range(tmp_path):
    picture = saved(tmp_path, "a.png", np.array([[0, 257, 65535]], dtype=np.uint16))
    assert np.asarray(picture.load()).tolist() == [[[0, 0, 0], [1, 1, 1], [255, 255, 255]]]


def test_palettes_greys_and_transparency(tmp_path):
    Image.fromarray(RAMP).convert("P", palette=Image.Palette.ADAPTIVE).save(tmp_path / "p.png", transparency=bytes([0, 255]))
    assert np.array_equal(np.asarray(FileImage("p.png", tmp_path).load()), RAMP)
    assert saved(tmp_path, "l.png", RAMP[:, :, 0]).load().mode == "RGB"
    Image.new("RGBA", (2, 2), (10, 20, 30, 0)).save(tmp_path / "a.png")
    assert FileImage("a.png", tmp_path).load().getpixel((0, 0)) == (10, 20, 30)


def test_what_is_not_a_picture_is_an_os_error(tmp_path):
    (tmp_path / "text.png").write_text("not a picture")
    whole = saved(tmp_path, "whole.png", np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8))
    (tmp_path / "half.png").write_bytes((tmp_path / "whole.png").read_bytes()[:3000])
    Image.fromarray(np.ones((2, 2), dtype=np.float32)).save(tmp_path / "float.tiff")
    for name in ("missing.png", "text.png", "half.png", "float.tiff"):
        with pytest.raises(OSError, match=r".+"):
            FileImage(name, tmp_path).load()
    with pytest.raises(FileNotFoundError):
        _ = FileImage("missing.png", tmp_path).digest
    assert whole.size() == (64, 64)


def test_a_bomb_is_refused_before_it_is_decoded(tmp_path, monkeypatch):
    monkeypatch.setattr(images, "MOST_PIXELS", 7)
    picture = saved(tmp_path, "a.png", RAMP)
    for open_it in (picture.load, picture.size):
        with pytest.raises(OSError, match="4 x 2 pixels are more than the 7 allowed"):
            open_it()
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1)
    with pytest.raises(OSError, match="cannot be decoded: Image size"):
        picture.load()


@pytest.mark.parametrize("path", ["../a.png", "x/../../a.png", "/etc/passwd", "..", "a\0.png"])
def test_a_path_that_leaves_the_folder_is_refused(tmp_path, path):
    with pytest.raises(TableError, match="leads out of the folder"):
        FileImage(path, tmp_path / "pictures")


def test_a_link_that_leaves_the_folder_is_refused_when_opened(tmp_path):
    root = tmp_path / "pictures"
    root.mkdir()
    saved(tmp_path, "secret.png", RAMP)
    (root / "link.png").symlink_to(tmp_path / "secret.png")
    with pytest.raises(PermissionError, match="is a link that leads out of the folder"):
        FileImage("link.png", root).load()
    with pytest.raises(PermissionError, match="is a link that leads out of the folder"):
        _ = FileImage("link.png", root).digest
    assert FileImage(root / "b" / ".." / "c.png", root).path == str(root / "c.png")


def test_pictures_in_memory():
    picture, other = MemoryImage(RAMP), MemoryImage(RAMP.reshape(4, 2, 3))
    assert isinstance(picture, ImageRef)
    assert np.array_equal(np.asarray(picture.load()), RAMP)
    assert picture.digest == MemoryImage(RAMP).digest != other.digest
    assert MemoryImage(RAMP[:, :, 0]).load().mode == "RGB"
    with pytest.raises(ValueError, match=r"a picture is \(height, width\) or \(height, width, 3\) of uint8"):
        MemoryImage(RAMP.astype(np.float64))
