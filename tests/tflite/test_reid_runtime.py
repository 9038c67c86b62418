import json
import subprocess
import sys
import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from keras_reid.data.images import read_image, resize
from keras_reid.shipped import shipped


@pytest.fixture
def error(runtime):
    return runtime.ReIDError


@pytest.mark.parametrize("name", ["float32", "batch4", "dynamic", "float16", "int8", "int8 out", "int8 dynamic"])
def test_embeds_as_the_keras_model_does(runtime, model, files, crops, name):
    reid = runtime.ReID(files[name])
    assert (reid.image_size, reid.embedding_size) == ((32, 16), 12)
    rows = reid.embed(crops)
    assert (rows.shape, rows.dtype) == ((6, 12), np.float32)
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-6)
    expected = model.embed(crops)
    if "int8" in name:
        assert np.sum(rows * expected, axis=1).min() > 0.98
    else:
        np.testing.assert_allclose(rows, expected, atol=1e-5 if name != "float16" else 2e-3)


@pytest.mark.parametrize("name", ["batch4", "dynamic", "int8 dynamic"])
def test_a_crop_has_the_same_row_in_any_company(runtime, files, crops, name):
    reid = runtime.ReID(files[name])
    alone = np.concatenate([reid.embed(crop) for crop in crops])
    np.testing.assert_allclose(reid.embed(crops * 4), np.tile(alone, (4, 1)), atol=1e-6)
    assert reid.embed([]).shape == (0, 12)


def test_paths_and_arrays_are_the_same(runtime, files, crops, tmp_path):
    Image.fromarray(crops[0]).save(tmp_path / "a.png")
    reid = runtime.ReID(files["float32"])
    expected = reid.embed(crops[0])
    np.testing.assert_array_equal(reid.embed(str(tmp_path / "a.png")), expected)
    np.testing.assert_array_equal(reid.embed([tmp_path / "a.png"]), expected)


@settings(max_examples=30, deadline=None)
@given(height=st.integers(8, 90), width=st.integers(8, 90), seed=st.integers(0, 99))
def test_resizes_bit_for_bit_as_the_package(runtime, height, width, seed):
    image = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    np.testing.assert_array_equal(runtime.resize(image, 32, 16), resize(image, 32, 16))


def test_reads_every_kind_of_file_as_the_package(runtime, tmp_path):
    draw = np.random.default_rng(0)
    rgb = Image.fromarray(draw.integers(0, 256, (20, 10, 3), dtype=np.uint8))
    rgba = Image.fromarray(draw.integers(0, 256, (20, 10, 4), dtype=np.uint8))
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter
    rgb.save(tmp_path / "plain.png")
    rgb.save(tmp_path / "turned.jpg", exif=exif)
    rgb.convert("L").save(tmp_path / "grey.png")
    rgb.convert("CMYK").save(tmp_path / "cmyk.jpg")
    rgba.save(tmp_path / "alpha.png")
    rgb.quantize(8).save(tmp_path / "palette.png", transparency=3)
    Image.fromarray(draw.integers(0, 65536, (20, 10), dtype=np.uint16)).save(tmp_path / "deep.png")
    for path in sorted(tmp_path.iterdir()):
        np.testing.assert_array_equal(runtime.read_image(path), read_image(path), err_msg=path.name)


def test_damaged_metadata(runtime, error, tmp_path, monkeypatch):
    """Pillow raises whatever comes of it."""
    Image.new("RGB", (20, 10)).save(tmp_path / "a.png")

    def damaged(image):
        raise AttributeError("'NoneType' object has no attribute 'get'")

    monkeypatch.setattr(runtime.ImageOps, "exif_transpose", damaged)
    with pytest.raises(error, match=r"a\.png: cannot be read as an image \('NoneType'"):
        runtime.read_image(tmp_path / "a.png")


def test_bad_images(runtime, error, files, crops, tmp_path):
    reid = runtime.ReID(files["float32"])
    (tmp_path / "text.jpg").write_text("no picture")
    (tmp_path / "empty.jpg").write_bytes(b"")
    Image.fromarray(crops[0]).save(tmp_path / "whole.jpg")
    (tmp_path / "half.jpg").write_bytes((tmp_path / "whole.jpg").read_bytes()[:500])
    for name in ("text.jpg", "empty.jpg", "half.jpg", "missing.jpg"):
        with pytest.raises(error, match=f"{name}: cannot be read as an image"):
            reid.embed(tmp_path / name)
    for name, side in (("huge.png", 20000), ("large.png", 8000)):  # Pillow itself refuses the first
        Image.new("1", (side, side)).save(tmp_path / name)
        with pytest.raises(error, match=rf"{name}: has too many pixels; cut out the person\."):
            reid.embed(tmp_path / name)
    Image.fromarray(np.full((9, 9), 3, np.int32)).save(tmp_path / "32.tif")
    with pytest.raises(error, match=r"32\.tif: has 32 bits a channel; save it with 8 or 16"):
        reid.embed(tmp_path / "32.tif")
    for bad in (crops[0].astype("float32"), crops[0][..., 0], crops[0][:7]):
        with pytest.raises(error) as raised:
            reid.embed([bad])
        assert str(raised.value) == (
            "Expected a crop as (height, width, 3) uint8 RGB, at least 8x8. "
            f"Received: shape={bad.shape}, dtype={bad.dtype}"
        )


def test_bad_models(runtime, error, tmp_path):
    with pytest.raises(error, match=r"a\.tflite: no such file; expected a \.tflite file"):
        runtime.ReID(tmp_path / "a.tflite")
    (tmp_path / "b.tflite").write_bytes(b"no network")
    with pytest.raises(error, match=r"b\.tflite: LiteRT cannot run this file"):
        runtime.ReID(tmp_path / "b.tflite")


def test_a_network_of_another_kind(runtime, error, benchmark, tmp_path):
    benchmark.build_chain(tmp_path / "chain.tflite")
    with pytest.raises(
        error, match=r"expected one image input .* Received: \[\(1, 80, 32, 128\)\] -> \[\(1, 80, 32, 128"
    ):
        runtime.ReID(tmp_path / "chain.tflite")


def test_quantises_for_any_input(runtime):
    pixels = np.array([0, 1, 128, 255], np.uint8)

    def quantised(dtype, scale, zero):
        return runtime.quantise(pixels, {"dtype": dtype, "quantization": (scale, zero)}).tolist()

    assert quantised(np.uint8, 1.0, 0) == [0, 1, 128, 255]
    assert quantised(np.int8, 1.0, -128) == [-128, -127, 0, 127]
    assert quantised(np.uint8, 2.0, 10) == [10, 10, 74, 138]  # 0.5 rounds to the even 0, 127.5 to 128
    assert quantised(np.float32, 0.0, 0) == [0, 1, 128, 255]
    np.testing.assert_array_equal(
        runtime.dequantise(np.array([-128, 0, 127], np.int8), {"dtype": np.int8, "quantization": (0.5, -28)}),
        np.array([-50, 14, 77.5], np.float32),
    )


@pytest.fixture
def gallery(runtime, files):
    """Two people whose embeddings are axes."""
    gallery = runtime.Gallery(runtime.ReID(files["float32"]))
    axes = np.eye(12, dtype="float32")
    gallery.enrol("anna", axes[:2])
    gallery.enrol("bert", axes[2])
    return gallery


def test_matches_the_nearest_person_above_the_threshold(gallery):
    towards = np.zeros((2, 12), "float32")
    towards[0, [1, 5]] = 0.6, 0.8  # 0.6 from anna's second crop
    towards[1, [2, 0]] = 0.8, 0.6  # 0.8 from bert, 0.6 from anna
    found = gallery.match(towards, threshold=0.7)
    assert [(match.name, round(match.similarity, 6)) for match in found] == [(None, 0.6), ("bert", 0.8)]
    assert gallery.match(towards, threshold=0.5)[0].name == "anna"
    assert gallery.match(towards[1], threshold=0.5)[0].name == "bert"  # one row without its axis


def test_a_gallery_is_saved_and_loaded(runtime, gallery, files, tmp_path):
    reid = runtime.ReID(files["float32"])
    gallery.save(tmp_path / "g.npz")
    loaded = runtime.Gallery.load(tmp_path / "g.npz", reid)
    assert loaded.names == ["anna", "anna", "bert"]
    np.testing.assert_array_equal(loaded.embeddings, gallery.embeddings)
    loaded.forget("anna")
    loaded.save(tmp_path / "g.npz")
    assert runtime.Gallery.load(tmp_path / "g.npz", reid).names == ["bert"]
    assert [path.name for path in tmp_path.iterdir()] == ["g.npz"]
    assert (tmp_path / "g.npz").stat().st_mode & 0o077 == 0  # what tells people apart is nobody else's


def test_what_another_program_has_done_is_not_undone(runtime, error, gallery, files, tmp_path):
    path, reid = tmp_path / "g.npz", runtime.ReID(files["float32"])
    gallery.save(path)
    other = runtime.Gallery.load(path, reid)
    other.forget("anna")
    other.save(path)
    gallery.enrol("carl", np.eye(12, dtype="float32")[4])
    with pytest.raises(error, match=r"g\.npz: another program has changed it since it was loaded here; load it again"):
        gallery.save(path)
    other.enrol("carl", np.eye(12, dtype="float32")[4])
    other.save(path)
    assert runtime.Gallery.load(path, reid).names == ["bert", "carl"]


def test_a_file_that_is_replaced_is_another_network(runtime, files, tmp_path):
    """What runs is what was read; the file may be replaced or deleted meanwhile."""
    path = tmp_path / "network.tflite"
    path.write_bytes(files["float32"].read_bytes())
    reid = runtime.ReID(path)
    path.unlink()
    path.write_bytes(files["int8"].read_bytes())
    assert runtime.Gallery(reid).fingerprint == runtime.ReID(files["float32"]).fingerprint
    assert runtime.ReID(path).fingerprint == runtime.ReID(files["int8"]).fingerprint != reid.fingerprint


def test_a_failed_save_leaves_the_old_gallery(gallery, tmp_path, monkeypatch):
    gallery.save(tmp_path / "g.npz")
    before = (tmp_path / "g.npz").read_bytes()

    def half(file, **arrays):
        file.write(b"half")
        raise OSError("no space left")

    monkeypatch.setattr(np, "savez", half)
    with pytest.raises(OSError, match="no space left"):
        gallery.save(tmp_path / "g.npz")
    assert (tmp_path / "g.npz").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["g.npz"]


def test_bad_galleries(runtime, error, gallery, files, tmp_path):
    reid = runtime.ReID(files["float32"])
    for content in (b"", b"no gallery", b"PK\x03\x04 half an archive"):
        (tmp_path / "g.npz").write_bytes(content)
        with pytest.raises(error, match=r"g\.npz: cannot be read as a gallery"):
            runtime.Gallery.load(tmp_path / "g.npz", reid)
    gallery.save(tmp_path / "g.npz")
    with pytest.raises(error, match=r"was enrolled with another network than .*int8\.tflite; enrol these people again"):
        runtime.Gallery.load(tmp_path / "g.npz", runtime.ReID(files["int8"]))
    with pytest.raises(error, match=r"there is no folder '.*nowhere' to write it in"):
        gallery.save(tmp_path / "nowhere/g.npz")
    one = np.eye(12, dtype="float32")[0]
    for call, message in (
        (lambda: runtime.Gallery(reid).match(one, 0.5), "The gallery is empty; enrol somebody first."),
        (
            lambda: gallery.match(one, 70),
            "Expected `threshold` as a cosine similarity in [-1, 1]. Received: threshold=70",
        ),
        (lambda: gallery.match(one[:5], 0.5), "Expected embeddings of shape (N, 12). Received: shape=(1, 5)"),
        (
            lambda: gallery.enrol("", one),
            "Expected a name and at least one crop of that person. Received: name=''",
        ),
        (lambda: gallery.forget("carl"), "Nobody is enrolled as 'carl'; enrolled are: anna, bert."),
    ):
        with pytest.raises(error) as raised:
            call()
        assert str(raised.value) == message


def test_the_command_line_without_tensorflow_and_keras(files, crops, tmp_path):
    """In a process in which neither can be imported, nor this package."""
    for number, crop in enumerate(crops):
        Image.fromarray(crop).save(tmp_path / f"{number}.png")
    script = shipped("tflite") / "reid_runtime.py"
    program = (
        "import runpy, sys\n"
        "for name in ('tensorflow', 'keras', 'keras_reid'): sys.modules[name] = None\n"
        f"sys.argv[0] = {str(script)!r}\n"
        "runpy.run_path(sys.argv[0], run_name='__main__')\n"
    )

    def run(*arguments):
        given = ["--model", str(files["int8"]), "--gallery", "g.npz", *arguments[1:]]
        command = [sys.executable, "-c", program, arguments[0], *given]
        return subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)

    for name, crop in (("anna", "0.png"), ("bert", "3.png")):
        done = run("enrol", name, crop)
        assert (done.returncode, done.stdout) == (0, ""), done.stderr
    done = run("match", "--threshold", "0.9999", "--json", "0.png", "3.png", "5.png")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert [(row["crop"], row["name"]) for row in found] == [("0.png", "anna"), ("3.png", "bert"), ("5.png", None)]
    assert run("match", "--threshold", "0.9999", "0.png").stdout == "0.png\tanna\t1.000\n"

    assert run("forget", "anna").returncode == 0
    done = run("forget", "anna")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines()[-1] == "Nobody is enrolled as 'anna'; enrolled are: bert."
    assert run("match", "0.png").returncode == 2  # no threshold
    done = run("enrol", "--gallery", "/proc/g.npz", "anna", "0.png")  # where nobody may write
    assert (done.returncode, done.stderr.splitlines()[-1][:6]) == (1, "[Errno")


def test_two_commands_at_a_time_lose_nobody(runtime, files, crops, tmp_path):
    fcntl = pytest.importorskip("fcntl")
    Image.fromarray(crops[3]).save(tmp_path / "bert.png")
    path, reid = tmp_path / "g.npz", runtime.ReID(files["int8"])
    command = ["enrol", "--model", str(files["int8"]), "--gallery", str(path), "bert", str(tmp_path / "bert.png")]
    with open(tmp_path / ".g.npz.lock", "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # as the command does that enrols anna
        gallery = runtime.Gallery(reid)
        other = threading.Thread(target=runtime.main, args=[command])
        other.start()
        other.join(timeout=2)
        gallery.enrol("anna", reid.embed(crops[0]))
        gallery.save(path)
    other.join(timeout=60)
    assert runtime.Gallery.load(path, reid).names == ["anna", "bert"]


def test_ships_with_the_package():
    names = {path.name for path in shipped("tflite").iterdir()}
    assert {"reid_runtime.py", "benchmark.py", "README.md"} <= names
