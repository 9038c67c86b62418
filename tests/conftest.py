"""Defaults of the test run. They are set before Keras is imported, and child processes inherit them."""

import gc
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # on every processor, as in the command line
# As many processes as cores run at a time; OpenBLAS' threads would wait for one another, up to seven times as long,
# and TensorFlow's a sixth longer.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")
os.environ["MPLBACKEND"] = "Agg"
# Networks are many small objects, and the collector would go through all of them again and again while one is built.
gc.set_threshold(100_000, 20, 20)
# No test reads or fills the user's cache of downloaded weights.
_HOME = tempfile.TemporaryDirectory(prefix="keras-reid-tests-")
os.environ["KERAS_REID_HOME"] = _HOME.name
for _name in ("KERAS_REID_ZOO_URL", "KERAS_REID_OFFLINE"):
    os.environ.pop(_name, None)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with slow tests come first: one of them at the end would leave the other processes idle."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


@pytest.fixture(scope="session", autouse=True)
def _graphs_as_traced() -> None:
    """TensorFlow takes longer to optimise a graph than the few steps take that a test runs."""
    if "tensorflow" in sys.modules:
        import tensorflow as tf

        tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})


@pytest.fixture(scope="session")
def repository() -> Path:
    """The checkout's root."""
    return Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def shared(repository: Path) -> Path:
    """Shared material beside the checkout, or where KERAS_REID_SHARED says; the test is skipped without it."""
    folder = Path(os.environ.get("KERAS_REID_SHARED", repository / "../shared")).resolve()
    if not folder.is_dir():
        pytest.skip(f"needs the shared material, looked for at {folder} (KERAS_REID_SHARED)")
    return folder


@pytest.fixture(scope="session")
def on_jax(repository: Path):
    """Runs Python on JAX, where TensorFlow is not installed, with these arguments; returns what came of it.

    `make test` makes the environment; KERAS_REID_JAX_PYTHON names the Python of another one.
    """
    python = Path(os.environ.get("KERAS_REID_JAX_PYTHON", repository / ".venv-jax/bin/python"))
    if not python.is_file():
        pytest.skip(f"needs an environment with JAX and without TensorFlow, looked for at {python}: make test")
    settings = {
        "KERAS_BACKEND": "jax",
        "JAX_PLATFORMS": "cpu",
        "PYTHONPATH": str(repository),
    }
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")} | settings

    def run(*arguments, folder=None, devices=1):
        return subprocess.run(
            [str(python), str(repository / "tests/quick_jax.py"), *map(str, arguments)],
            env={**environment, "XLA_FLAGS": f"--xla_force_host_platform_device_count={devices}"},
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=800,
        )

    return run
