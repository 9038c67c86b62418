import contextlib

import numpy as np
import pytest
from matlab_files import write_matlab

from keras_reid import ReIDError
from keras_reid.data.matlab import read_matlab

VALUES = {"table": np.array([[1, 2, 300], [4, 5, 6]], float), "files": ["1_001_1_01.png", "a.png"], "what": "MARS"}


@pytest.mark.parametrize("packed", [True, False])
def test_numbers_texts_and_cells(tmp_path, packed):
    found = read_matlab(write_matlab(tmp_path / "a.mat", packed, **VALUES, half=np.array([[0.5], [-1e9]])))
    np.testing.assert_array_equal(found["table"], VALUES["table"])
    np.testing.assert_array_equal(found["half"], [[0.5], [-1e9]])
    assert found["files"] == VALUES["files"]
    assert found["what"] == "MARS"


@pytest.mark.parametrize("packed", [True, False])
def test_as_scipy_writes_and_reads_them(tmp_path, packed):
    io = pytest.importorskip("scipy.io")
    cell = np.empty((2, 1), object)
    cell[:, 0] = VALUES["files"]
    arrays = {"table": np.arange(6, dtype="int32").reshape(2, 3), "single": np.ones((1, 1), "float32")}
    io.savemat(tmp_path / "a.mat", {**arrays, "files": cell, "left_out": {"a": 1}}, do_compression=packed)
    found = read_matlab(tmp_path / "a.mat")
    assert set(found) == {"table", "single", "files"}
    np.testing.assert_array_equal(found["table"], arrays["table"])
    assert found["files"] == VALUES["files"]
    ours = io.loadmat(write_matlab(tmp_path / "b.mat", packed, **VALUES))
    np.testing.assert_array_equal(ours["table"], VALUES["table"])
    assert [str(text[0]) for text in ours["files"].ravel()] == VALUES["files"]


def test_what_is_no_such_file(tmp_path):
    path = tmp_path / "a.mat"
    with pytest.raises(ReIDError, match="does not exist: copy it from the data set's release"):
        read_matlab(path)
    path.write_bytes(b"\x89HDF" + b"\0" * 200)
    with pytest.raises(ReIDError) as caught:
        read_matlab(path)
    assert str(caught.value) == (f"'{path}' is no MAT-file of version 5: copy it again from the data set's release.")


@pytest.mark.parametrize("packed", [True, False])
def test_damage_is_an_error_wherever_it_is(tmp_path, packed):
    whole = write_matlab(tmp_path / "a.mat", packed, **VALUES).read_bytes()
    for length in range(140, len(whole) - 16, 7):
        (tmp_path / "a.mat").write_bytes(whole[:length])
        found = {}
        with contextlib.suppress(ReIDError):  # unless it is cut between two variables
            found = read_matlab(tmp_path / "a.mat")
        assert set(found) < set(VALUES)
