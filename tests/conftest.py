"""Defaults of the test run. They are set before Keras is imported, and child processes inherit them."""

import os
import tempfile
from pathlib import Path

import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # on every processor, as in the command line
os.environ["MPLBACKEND"] = "Agg"
# No test reads or fills the user's cache of downloaded weights.
_HOME = tempfile.TemporaryDirectory(prefix="keras-reid-tests-")
os.environ["KERAS_REID_HOME"] = _HOME.name
for _name in ("KERAS_REID_ZOO_URL", "KERAS_REID_OFFLINE"):
    os.environ.pop(_name, None)


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
