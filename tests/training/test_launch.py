import json
import os
import subprocess
import sys
import time

import pytest

from keras_reid.shipped import shipped

LAUNCH = shipped("training") / "launch.py"
# Notes its TF_CONFIG in a file of its own.
NOTE = """
import json, os, sys
configuration = json.loads(os.environ["TF_CONFIG"])
open(f"{sys.argv[1]}/{configuration['task']['index']}.json", "w").write(json.dumps(configuration))
print("worker", configuration["task"]["index"])
"""
# The second fails at once, the others would wait for a minute.
FAIL = """
import json, os, sys, time
sys.exit(3) if json.loads(os.environ["TF_CONFIG"])["task"]["index"] == 1 else time.sleep(60)
"""


def launched(*arguments):
    return subprocess.run([sys.executable, str(LAUNCH), *arguments], capture_output=True, text=True, timeout=50)


def test_workers_on_this_machine(tmp_path):
    done = launched("--workers", "3", "--", sys.executable, "-c", NOTE, str(tmp_path))
    assert (done.returncode, done.stdout) == (0, "worker 0\n"), done.stderr
    found = [json.loads((tmp_path / f"{index}.json").read_text()) for index in range(3)]
    assert [configuration["task"] for configuration in found] == [{"type": "worker", "index": it} for it in range(3)]
    addresses = found[0]["cluster"]["worker"]
    assert all(configuration["cluster"]["worker"] == addresses for configuration in found)
    assert len(set(addresses)) == 3
    assert all(address.startswith("127.0.0.1:") for address in addresses)


def test_one_worker_of_several_machines(tmp_path):
    done = launched("--addresses", "a:1,b:2", "--index", "1", "--", sys.executable, "-c", NOTE, str(tmp_path))
    assert (done.returncode, done.stdout) == (0, "worker 1\n"), done.stderr
    assert json.loads((tmp_path / "1.json").read_text()) == {
        "cluster": {"worker": ["a:1", "b:2"]},
        "task": {"type": "worker", "index": 1},
    }


def test_one_failure_ends_all():
    begun = time.monotonic()
    done = launched("--workers", "3", "--", sys.executable, "-c", FAIL)
    assert done.returncode == 3
    assert "ended with status 3; the others were ended." in done.stderr
    assert time.monotonic() - begun < 40


def test_ended_it_ends_its_workers(tmp_path):
    wait = f"import os, time; open(r'{tmp_path}/worker', 'w').write(str(os.getpid())); time.sleep(60)"
    process = subprocess.Popen([sys.executable, str(LAUNCH), "--workers", "1", "--", sys.executable, "-c", wait])
    note = tmp_path / "worker"
    while not (note.is_file() and note.read_text()):
        assert process.poll() is None
        time.sleep(0.05)
    process.terminate()
    assert process.wait(30) == 128 + 15
    with pytest.raises(ProcessLookupError):
        os.kill(int(note.read_text()), 0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--workers", "0"), "--workers is at least 1"),
        (("--workers", "2", "--index", "1"), "--index goes with --addresses"),
        (("--addresses", "", "--index", "0"), "--addresses is HOST:PORT,HOST:PORT,…"),
        (("--addresses", "a:1,b:2"), "--index is this machine's place among the 2 addresses, from 0"),
        (("--addresses", "a:1,b:2", "--index", "2"), "--index is this machine's place among the 2 addresses, from 0"),
    ],
)
def test_wrong_usage(arguments, message):
    done = launched(*arguments, "--", "true")
    assert done.returncode == 2
    assert message in done.stderr


def test_a_command_that_is_not_there():
    done = launched("--workers", "1", "--", "keras-ried", "train")
    assert (done.returncode, done.stdout) == (127, "")
    assert done.stderr == "'keras-ried' cannot be started: No such file or directory.\n"
