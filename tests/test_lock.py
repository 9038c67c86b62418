"""The lock between processes: one holder at a time, dead holders do not block."""

import errno
import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from keras_reid import lock
from keras_reid.lock import locked

HOLD = """
import sys, time
import keras_reid.lock as lock
if sys.argv[2] == "existence":
    lock.fcntl = None
with lock.locked(sys.argv[1]):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture(params=["flock", "existence"])
def kind(request, monkeypatch):
    if request.param == "existence":
        monkeypatch.setattr(lock, "fcntl", None)
    elif lock.fcntl is None:
        pytest.skip("this system has no flock")
    monkeypatch.setattr(lock, "POLL_SECONDS", 0.005)
    return request.param


def holder(path, kind):
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(path), kind], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "held\n"
    return process


def test_one_at_a_time_and_no_file_left(tmp_path, kind):
    path, inside, most = tmp_path / "a.lock", [], []

    def work():
        for _ in range(5):
            with locked(path):
                inside.append(1)
                most.append(len(inside))
                time.sleep(0.002)
                inside.pop()

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(most) == 30
    assert max(most) == 1
    assert list(tmp_path.iterdir()) == []


def test_error_inside_frees_the_lock(tmp_path, kind):
    with pytest.raises(RuntimeError), locked(tmp_path / "a.lock"):
        raise RuntimeError
    with locked(tmp_path / "a.lock"):
        pass


def test_killed_holder_does_not_block(tmp_path, kind, monkeypatch):
    monkeypatch.setattr(lock, "STALE_SECONDS", 0.3)
    path = tmp_path / "a.lock"
    process = holder(path, kind)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert path.exists()
    with locked(path):
        assert path.exists()
    assert list(tmp_path.iterdir()) == []


def test_living_holder_keeps_it(tmp_path, kind, monkeypatch):
    monkeypatch.setattr(lock, "STALE_SECONDS", 1.0)
    monkeypatch.setattr(lock, "HEARTBEAT_SECONDS", 0.05)
    path, order = tmp_path / "a.lock", []

    def wait_for_it():
        with locked(path):
            order.append("second")

    with locked(path):
        thread = threading.Thread(target=wait_for_it)
        thread.start()
        time.sleep(1.5)  # longer than a dead holder's file is respected
        order.append("first")
    thread.join()
    assert order == ["first", "second"]


def test_quicker_process_keeps_the_lock_it_took_over(tmp_path):
    path = tmp_path / "a.lock"
    path.write_text("the new holder's")
    lock._take_away(path, "the dead holder's")
    assert path.read_text() == "the new holder's"
    assert list(tmp_path.iterdir()) == [path]


def test_file_system_without_flock(tmp_path, monkeypatch):
    if lock.fcntl is None:
        pytest.skip("this system has no flock")

    def refuse(*_):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(lock.fcntl, "flock", refuse)
    path, seen = tmp_path / "a.lock", []

    def look_inside():
        with locked(path):
            seen.append(path.read_text())

    with locked(path):
        token = path.read_text()  # of the lock by existence
        assert token
        waiting = threading.Thread(target=look_inside, daemon=True)
        waiting.start()
        waiting.join(0.3)
        assert waiting.is_alive()
        assert path.read_text() == token
    waiting.join(5)
    assert len(seen) == 1
    assert seen[0] not in ("", token)
    assert list(tmp_path.iterdir()) == []


def test_folder_that_is_missing(tmp_path):
    with pytest.raises(FileNotFoundError), locked(tmp_path / "no" / "a.lock"):
        pass


def test_without_waiting(tmp_path, kind, monkeypatch):
    monkeypatch.setattr(lock, "HEARTBEAT_SECONDS", 0.05)
    path = tmp_path / "a.lock"
    with locked(path):
        with pytest.raises(BlockingIOError), locked(path, wait=False):
            pass
        assert path.exists()
    with locked(path, wait=False):
        pass
    assert list(tmp_path.iterdir()) == []
