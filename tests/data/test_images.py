import io
import re
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFile

from keras_reid import ReIDError
from keras_reid.data import images as subject
from keras_reid.data.images import as_list, load_images, read_image, resize

PIXELS = np.random.default_rng(0).integers(0, 256, (20, 12, 3), np.uint8)


def save(path: Path, pixels: np.ndarray | Image.Image = PIXELS, **options) -> str:
    picture = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    picture.save(path, **options)
    return str(path)


def message(call, *arguments, **options) -> str:
    with pytest.raises(ReIDError) as caught:
        call(*arguments, **options)
    return str(caught.value)


def png(width: int, height: int) -> bytes:
    """A valid black PNG of one bit a pixel, without building it in memory."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    compressor = zlib.compressobj(1)
    row = bytes(1 + (width + 7) // 8)
    rows = b"".join([compressor.compress(row) for _ in range(height)] + [compressor.flush()])
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


class TestReadImage:
    def test_rgb_comes_back_unchanged_writable_and_contiguous(self, tmp_path):
        image = read_image(save(tmp_path / "a.png"))
        np.testing.assert_array_equal(image, PIXELS)
        assert image.dtype == np.uint8
        assert image.flags.writeable
        assert image.flags.c_contiguous

    def test_path_objects(self, tmp_path):
        np.testing.assert_array_equal(read_image(Path(save(tmp_path / "a.png"))), PIXELS)

    def test_grey_is_repeated(self, tmp_path):
        image = read_image(save(tmp_path / "a.png", PIXELS[:, :, 0]))
        np.testing.assert_array_equal(image, np.repeat(PIXELS[:, :, :1], 3, axis=2))

    def test_bilevel(self, tmp_path):
        image = read_image(save(tmp_path / "a.png", Image.fromarray(PIXELS[:, :, 0] > 127)))
        np.testing.assert_array_equal(image[:, :, 0], np.where(PIXELS[:, :, 0] > 127, 255, 0))

    def test_cmyk_jpeg(self, tmp_path):
        # Ink 0, 255, 255, 0 is red: cyan takes red away, magenta green, yellow blue, black all.
        ink = Image.new("CMYK", (16, 16), (0, 255, 255, 0))
        image = read_image(save(tmp_path / "a.jpg", ink, quality=95))
        assert image.shape == (16, 16, 3)
        assert np.abs(image.reshape(-1, 3).mean(0) - (255, 0, 0)).max() < 4

    def test_16_bit_grey_is_scaled_not_clipped(self, tmp_path):
        deep = np.zeros((16, 16), np.uint16)
        deep[0, :4] = 0, 257, 32768, 65535
        image = read_image(save(tmp_path / "a.png", Image.fromarray(deep)))
        # x / 257, rounded: 0, 1, 127.502 -> 128, 255
        assert image[0, :4, 0].tolist() == [0, 1, 128, 255]
        np.testing.assert_array_equal(image[..., 0], image[..., 2])

    def test_16_bit_colour(self, tmp_path):
        rows = b"".join(b"\0" + struct.pack(">HHH", 0, 0x8000, 0xFFFF) * 10 for _ in range(10))
        body = b""
        for kind, data in (
            (b"IHDR", struct.pack(">IIBBBBB", 10, 10, 16, 2, 0, 0, 0)),
            (b"IDAT", zlib.compress(rows)),
            (b"IEND", b""),
        ):
            body += struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + body)
        assert read_image(tmp_path / "a.png")[5, 5].tolist() == [0, 128, 255]

    def test_transparent_parts_are_white(self, tmp_path):
        pixels = np.full((10, 10, 4), (200, 100, 0, 255), np.uint8)
        pixels[:, 5:, 3] = 0
        pixels[:, 9, 3] = 51  # a fifth: 0.2 * (200, 100, 0) + 0.8 * 255 = (244, 224, 204)
        image = read_image(save(tmp_path / "a.png", pixels))
        assert image[0, [0, 5, 9]].tolist() == [[200, 100, 0], [255, 255, 255], [244, 224, 204]]

    def test_grey_with_alpha(self, tmp_path):
        picture = Image.merge("LA", [Image.new("L", (9, 9), 30), Image.new("L", (9, 9), 0)])
        assert read_image(save(tmp_path / "a.png", picture)).min() == 255

    def test_palette(self, tmp_path):
        picture = Image.fromarray(PIXELS).quantize(16)
        image = read_image(save(tmp_path / "a.png", picture))
        np.testing.assert_array_equal(image, np.asarray(picture.convert("RGB")))

    def test_palette_with_a_transparent_entry(self, tmp_path):
        picture = Image.new("P", (9, 9), 1)
        picture.putpalette([0, 0, 0, 10, 20, 30])
        picture.putpixel((0, 0), 0)
        image = read_image(save(tmp_path / "a.png", picture, transparency=0))
        assert image[0, :2].tolist() == [[255, 255, 255], [10, 20, 30]]

    def test_exif_orientation_is_applied(self, tmp_path):
        exif = Image.Exif()
        exif[0x0112] = 6  # to be turned a quarter clockwise
        image = read_image(save(tmp_path / "a.png", exif=exif))
        np.testing.assert_array_equal(image, np.rot90(PIXELS, -1))

    def test_exif_of_a_wrong_type(self, tmp_path):
        """A turned picture whose resolution is a text: Pillow raises a TypeError."""
        entries = struct.pack("<HHIHH", 0x0112, 3, 1, 6, 0) + struct.pack("<HHI4s", 0x011A, 2, 3, b"72")
        exif = b"II*\0" + struct.pack("<IH", 8, 2) + entries + bytes(4)
        path = save(tmp_path / "a.jpg", exif=b"Exif\0\0" + exif)
        assert message(read_image, path).startswith(f"Image '{path}' is damaged or truncated (")

    @pytest.mark.parametrize("suffix", [s for s in subject.SUFFIXES if s != ".ppm"])
    def test_every_suffix_that_folders_are_searched_for(self, tmp_path, suffix):
        assert read_image(save(tmp_path / f"a{suffix}", np.full((10, 9, 3), 99, np.uint8))).shape == (10, 9, 3)


class TestBadFiles:
    def test_missing(self, tmp_path):
        path = tmp_path / "a.jpg"
        assert message(read_image, path) == f"Image '{path}' does not exist: check the path."

    def test_folder(self, tmp_path):
        assert message(read_image, tmp_path) == f"Image '{tmp_path}' is a folder: give the image files in it."

    def test_0_byte(self, tmp_path):
        path = tmp_path / "a.jpg"
        path.touch()
        assert message(read_image, path) == f"Image '{path}' is empty (0 bytes): copy it again or leave it out."

    def test_text_named_jpg(self, tmp_path):
        path = tmp_path / "a.jpg"
        path.write_text("These are no pixels.")
        assert message(read_image, path) == (
            f"Image '{path}' is not a picture in a known format (JPEG, PNG, BMP, WEBP, TIFF, GIF, PPM): "
            "convert it or leave it out."
        )

    def test_postscript_is_not_run(self, tmp_path):
        path = tmp_path / "a.jpg"
        path.write_text("%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 20 20\n%%EndComments\nshowpage\n")
        assert "is not a picture in a known format" in message(read_image, path)

    def test_truncated_jpeg(self, tmp_path):
        data = io.BytesIO()
        Image.fromarray(np.tile(PIXELS, (8, 6, 1))).save(data, "JPEG")
        path = tmp_path / "a.jpg"
        path.write_bytes(data.getvalue()[: len(data.getvalue()) // 2])
        expected = (
            f"Image '{path}' is damaged or truncated (image file is truncated (7 bytes not processed)): copy it again "
            "or leave it out."
        )
        # How many bytes are left over depends on Pillow's version.
        assert re.sub(r"\d+ bytes", "7 bytes", message(read_image, path)) == expected

    def test_truncated_png(self, tmp_path):
        path = tmp_path / "a.png"
        path.write_bytes(Path(save(path)).read_bytes()[:300])
        assert message(read_image, path) == (
            f"Image '{path}' is damaged or truncated (image file is truncated): copy it again or leave it out."
        )

    def test_1x1(self, tmp_path):
        path = save(tmp_path / "a.png", PIXELS[:1, :1])
        assert message(read_image, path) == (
            f"Image '{path}' is too small: 1x1 pixels (height x width), at least 8x8 are needed. Leave it out."
        )

    def test_smallest(self, tmp_path):
        assert read_image(save(tmp_path / "a.png", PIXELS[:8, :8])).shape == (8, 8, 3)
        path = save(tmp_path / "b.png", PIXELS[:8, :7])
        assert "too small: 8x7 pixels" in message(read_image, path)

    @pytest.mark.parametrize(
        ("width", "height"),
        [
            (20_000, 20_000),  # beyond Pillow's own error
            (10_000, 10_000),  # where Pillow only warns
            (10_000, 5_001),  # just beyond our limit
        ],
    )
    def test_huge_png_is_refused_before_it_is_decoded(self, tmp_path, monkeypatch, width, height):
        path = tmp_path / "a.png"
        path.write_bytes(png(width, height))
        monkeypatch.setattr(ImageFile.ImageFile, "load", lambda self: pytest.fail("decoded"))
        assert message(read_image, path) == (
            f"Image '{path}' has more than 50,000,000 pixels by its header and was not decoded: "
            "cut out the person or make it smaller."
        )

    def test_just_below_the_limit(self, tmp_path, monkeypatch):
        monkeypatch.setattr(subject, "PIXEL_LIMIT", 240)
        assert read_image(save(tmp_path / "a.png")).shape == (20, 12, 3)

    def test_float_pixels(self, tmp_path):
        path = save(tmp_path / "a.tif", Image.fromarray(np.zeros((9, 9), np.float32)))
        assert message(read_image, path) == (
            f"Image '{path}' has 32 bits a channel, whose range is not known: save it with 8 or 16 bits."
        )

    def test_unreadable(self, tmp_path, monkeypatch):
        def refuse(*arguments, **options):
            raise PermissionError(13, "Permission denied")  # not by chmod, because root may read everything

        path = save(tmp_path / "a.png")
        monkeypatch.setattr(Image, "open", refuse)
        assert message(read_image, path) == f"Image '{path}' may not be read: change its permissions."

    @settings(max_examples=150, deadline=None)
    @given(data=st.data())
    def test_damage_anywhere_is_an_image_or_our_error(self, tmp_path_factory, data):
        kind = data.draw(st.sampled_from(["JPEG", "PNG", "BMP", "GIF", "WEBP"]))
        exif = Image.Exif()
        exif[0x0112] = 3
        buffer = io.BytesIO()
        Image.fromarray(PIXELS).save(buffer, kind, **({"exif": exif} if kind in ("JPEG", "PNG", "WEBP") else {}))
        content = bytearray(buffer.getvalue())
        for _ in range(data.draw(st.integers(1, 4))):
            content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
        content = content[: data.draw(st.integers(1, len(content)))]
        path = tmp_path_factory.mktemp("damaged") / "a.jpg"
        path.write_bytes(content)
        found, _, left_out = load_images(str(path), (9, 9), on_error="skip")
        assert len(found) + len(left_out) == 1
        assert all(str(path) in reason for _, reason in left_out)


class TestResize:
    def test_is_pillows_antialiased_bilinear(self):
        # At half the size the filter reaches over four pixels, with weights of 1, 3, 3 and 1 eighth.
        image = np.zeros((16, 8, 3), np.uint8)
        image[:, 4] = 80
        row = resize(image, 16, 4)[0, :, 0].tolist()
        assert row == [0, 10, 30, 0]

    def test_size_is_height_then_width(self):
        assert resize(PIXELS, 30, 10).shape == (30, 10, 3)

    def test_same_size_is_a_copy(self):
        copy = resize(PIXELS, 20, 12)
        np.testing.assert_array_equal(copy, PIXELS)
        assert copy is not PIXELS


class TestAsList:
    def test_one(self, tmp_path):
        assert as_list("a.jpg") == ["a.jpg"]
        assert as_list(tmp_path) == [tmp_path]
        assert len(as_list(PIXELS)) == 1

    def test_several(self):
        assert len(as_list(np.stack([PIXELS] * 3))) == 3
        assert list(as_list(np.array(["a", "b"]))) == ["a", "b"]
        assert len(as_list(["a", PIXELS])) == 2
        assert len(as_list(path for path in ("a", "b"))) == 2

    def test_neither(self):
        assert message(as_list, PIXELS[0, 0]) == (
            "Expected images as a (height, width, 3) or (N, height, width, 3) array, paths, or a list of these. "
            "Received an array of shape (3,)."
        )
        assert message(as_list, 7) == "Expected images as arrays, paths, or a list of these. Received: 7 (a int)."


class TestLoadImages:
    def test_mixture(self, tmp_path):
        found, kept, left_out = load_images([save(tmp_path / "a.png"), PIXELS, tmp_path / "a.png"], (10, 6))
        assert found.shape == (3, 10, 6, 3)
        assert found.dtype == np.uint8
        np.testing.assert_array_equal(found[0], resize(PIXELS, 10, 6))
        np.testing.assert_array_equal(found[0], found[1])
        np.testing.assert_array_equal(found[0], found[2])
        assert kept.tolist() == [0, 1, 2]
        assert left_out == []

    def test_batch_and_single(self):
        assert load_images(PIXELS, (10, 6))[0].shape == (1, 10, 6, 3)
        assert load_images(np.stack([PIXELS] * 5), (10, 6))[0].shape == (5, 10, 6, 3)

    def test_nothing(self):
        found, kept, left_out = load_images([], (10, 6))
        assert found.shape == (0, 10, 6, 3)
        assert len(kept) == len(left_out) == 0

    def test_floats_are_rounded(self):
        found, _, _ = load_images(np.full((1, 9, 9, 3), 99.6, np.float32), (9, 9))
        assert found.max() == 100

    def test_the_threads_do_not_change_the_order(self):
        different = [np.full((9, 9, 3), value, np.uint8) for value in range(50)]
        found, _, _ = load_images(different, (9, 9), workers=4)
        assert found[:, 0, 0, 0].tolist() == list(range(50))

    @pytest.mark.parametrize("workers", [1, 3])
    def test_skip(self, tmp_path, workers):
        good = save(tmp_path / "a.png")
        found, kept, left_out = load_images(
            [good, str(tmp_path / "b.jpg"), PIXELS, PIXELS[:3]], (10, 6), on_error="skip", workers=workers
        )
        assert found.shape == (2, 10, 6, 3)
        assert kept.tolist() == [0, 2]
        assert left_out == [
            (str(tmp_path / "b.jpg"), f"Image '{tmp_path / 'b.jpg'}' does not exist: check the path."),
            (
                "images[3]",
                "images[3] is too small: 3x12 pixels (height x width), at least 8x8 are needed. Leave it out.",
            ),
        ]

    @pytest.mark.parametrize("workers", [1, 3])
    def test_raise(self, tmp_path, workers):
        text = message(load_images, [PIXELS, str(tmp_path / "b.jpg"), PIXELS], (10, 6), workers=workers)
        assert text == f"Image '{tmp_path / 'b.jpg'}' does not exist: check the path."

    def test_unknown_on_error(self):
        assert message(load_images, [], (9, 9), on_error="ignore") == (
            "`on_error` must be 'raise' or 'skip'. Received: 'ignore'."
        )


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        (
            PIXELS[:, :, 0],
            "images[0] must have shape (height, width, 3), RGB. Received shape (20, 12). "
            "Convert grey and RGBA pictures with Pillow's convert('RGB').",
        ),
        (
            np.zeros((9, 9, 4), np.uint8),
            "images[0] must have shape (height, width, 3), RGB. Received shape (9, 9, 4). "
            "Convert grey and RGBA pictures with Pillow's convert('RGB').",
        ),
        (
            PIXELS[:1, :1],
            "images[0] is too small: 1x1 pixels (height x width), at least 8x8 are needed. Leave it out.",
        ),
        (
            PIXELS / 255,
            "images[0] must hold numbers from 0 to 255. Received numbers from 0 to 1, which looks like a picture "
            "scaled to 0..1: multiply it by 255.",
        ),
        (
            PIXELS.astype(np.float32) - 127.5,
            "images[0] must hold numbers from 0 to 255. Received numbers from -127.5 to 127.5.",
        ),
        (
            np.full((9, 9, 3), 65535, np.uint16),
            "images[0] must hold numbers from 0 to 255. Received numbers from 65535 to 65535.",
        ),
        (
            np.full((9, 9, 3), np.nan),
            "images[0] must hold numbers from 0 to 255. Received numbers from nan to nan.",
        ),
        (
            np.zeros((9, 9, 3), bool),
            "images[0] must hold numbers from 0 to 255. Received dtype bool.",
        ),
        (
            [1, 2, 3],
            "images[0] must be a path or a NumPy array. Received: list. Convert it with numpy.asarray.",
        ),
    ],
)
def test_bad_arrays(image, expected):
    assert message(load_images, [image], (9, 9)) == expected
