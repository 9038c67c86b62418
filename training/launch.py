"""Start a training on several workers, which TensorFlow's MultiWorkerMirroredStrategy joins.

On one machine, two workers (for tests, or where one process cannot use all cores; for several GPUs `--devices` is
quicker):

    python training/launch.py --workers 2 -- keras-reid train --recipe han_small --data … --output runs/han_small

On several machines, the same command on each, with all addresses and this machine's place among them:

    python training/launch.py --addresses a.lan:4711,b.lan:4711 --index 0 -- keras-reid train …

Every worker reads all data and trains on its share of each batch. The first writes the output folder; the others read
it to resume, so it lies on a file system that all of them share. If one worker ends with an error, the others are
ended; start the same command again and the training goes on.
"""

import argparse
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command as the workers that are to run here; returns the exit status of the first that failed, or 0."""
    parser = argparse.ArgumentParser(
        description="Start a training on several workers.", formatter_class=argparse.RawTextHelpFormatter
    )
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--workers", type=int, help="so many on this machine")
    where.add_argument("--addresses", help="one on each machine: HOST:PORT,HOST:PORT,…, the same everywhere")
    parser.add_argument("--index", type=int, help="with --addresses: which of them is this machine, from 0")
    parser.add_argument("command", nargs="+", help="after --: what every worker runs")
    options = parser.parse_args(arguments)
    if options.addresses is not None:
        addresses = options.addresses.split(",")
        if not all(addresses):
            parser.error("--addresses is HOST:PORT,HOST:PORT,…")
        if options.index is None or not 0 <= options.index < len(addresses):
            parser.error(f"--index is this machine's place among the {len(addresses)} addresses, from 0")
        here = [options.index]
    else:
        if options.workers < 1:
            parser.error("--workers is at least 1")
        if options.index is not None:
            parser.error("--index goes with --addresses")
        addresses, here = _free_addresses(options.workers), range(options.workers)
    return _run(options.command, addresses, here)


def _free_addresses(number: int) -> list[str]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(number)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [f"127.0.0.1:{each.getsockname()[1]}" for each in sockets]


def _run(command: Sequence[str], addresses: Sequence[str], here: Sequence[int]) -> int:
    workers = []
    try:
        for index in here:
            configuration = {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}}
            environment = {**os.environ, "TF_CONFIG": json.dumps(configuration)}
            # All workers print the same; errors are shown of each.
            output = None if index == here[0] else subprocess.DEVNULL
            try:
                workers.append(subprocess.Popen(command, env=environment, stdout=output))
            except OSError as error:
                print(f"'{command[0]}' cannot be started: {error.strerror}.", file=sys.stderr)
                return 127
        while True:
            states = [worker.poll() for worker in workers]
            failed = [state for state in states if state]
            if failed or None not in states:
                break
            time.sleep(0.2)
    finally:
        for worker in workers:
            worker.terminate()
        for worker in workers:
            with contextlib.suppress(subprocess.TimeoutExpired):
                worker.wait(10)
            worker.kill()
    if failed:
        place = addresses[here[states.index(failed[0])]]
        print(f"The worker at {place} ended with status {failed[0]}; the others were ended.", file=sys.stderr)
        return failed[0] if failed[0] > 0 else 128 - failed[0]
    return 0


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))  # so that the workers end, too
    sys.exit(main())
