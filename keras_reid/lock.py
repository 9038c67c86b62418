"""A lock that several processes (and threads) share through a file, so that one downloads while the others wait."""

import errno
import os
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

POLL_SECONDS = 0.05
HEARTBEAT_SECONDS = 2.0
STALE_SECONDS = 20.0

# What file systems without working flock answer (some network mounts).
_NO_FLOCK = {errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL}


@contextmanager
def locked(path: str | Path, wait: bool = True) -> Iterator[None]:
    """Hold the lock file `path` exclusively; waits while another holder lives, and removes the file at the end.

    Where the system has `flock`, the kernel frees the lock of a killed process at once. Elsewhere the file's existence
    is the lock: its holder touches it every two seconds, and a file untouched for `STALE_SECONDS` belongs to a dead
    process and is taken over.

    Args:
        path: The file.
        wait: False raises an error where another holder lives. Defaults to True.

    Raises:
        BlockingIOError: another holder lives, and `wait` is False.
        OSError: the file cannot be created (its folder is missing or cannot be written).
    """
    path = Path(path)
    descriptor = _acquire_flock(path, wait) if fcntl else None
    if descriptor is None:
        with _existence_lock(path, wait):
            yield
        return
    try:
        yield
    finally:
        # Removed while still held: whoever opened it meanwhile sees that it is no longer the file at `path`.
        path.unlink(missing_ok=True)
        os.close(descriptor)


def _acquire_flock(path: Path, wait: bool) -> int | None:
    """A descriptor that holds the lock, or None where this file system has no flock."""
    while True:
        made = False
        try:
            descriptor = os.open(path, os.O_RDWR)
        except FileNotFoundError:
            try:
                descriptor, made = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666), True
            except FileExistsError:
                continue
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is_at(descriptor, path):
                return descriptor
        except BlockingIOError:
            if not wait:
                os.close(descriptor)
                raise
            time.sleep(POLL_SECONDS)
        except OSError as error:
            os.close(descriptor)
            if error.errno in _NO_FLOCK:
                if made:  # otherwise its existence is somebody's lock
                    path.unlink(missing_ok=True)
                return None
            raise
        os.close(descriptor)


def _is_at(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path))
    except FileNotFoundError:
        return False


@contextmanager
def _existence_lock(path: Path, wait: bool) -> Iterator[None]:
    token = uuid.uuid4().hex
    seen, since = None, time.monotonic()
    while not _create(path, token):
        state = _state(path)
        if state != seen:
            if seen and state and not wait:  # touched, so its holder lives
                raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN), str(path))
            seen, since = state, time.monotonic()
        elif state and time.monotonic() - since > STALE_SECONDS:
            _take_away(path, state[0])
        time.sleep(POLL_SECONDS)
    released = threading.Event()
    heartbeat = threading.Thread(target=_beat, args=(path, released), daemon=True)
    heartbeat.start()
    try:
        yield
    finally:
        released.set()
        heartbeat.join()
        state = _state(path)
        # Not ours any more if this process was suspended so long that another one took the lock over.
        if state and state[0] == token:
            path.unlink(missing_ok=True)


def _create(path: Path, token: str) -> bool:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    except FileExistsError:
        return False
    with os.fdopen(descriptor, "w") as file:
        file.write(token)
    return True


def _beat(path: Path, released: threading.Event) -> None:
    while not released.wait(HEARTBEAT_SECONDS):
        with suppress(OSError):  # a network mount may be away for a moment
            os.utime(path)


def _state(path: Path) -> tuple[str, int] | None:
    """Who holds the lock and when it was touched; compared with itself only, so no other machine's clock matters."""
    try:
        return path.read_text(), path.stat().st_mtime_ns
    except FileNotFoundError:
        return None


def _take_away(path: Path, token: str) -> None:
    """Remove a dead holder's file. Renaming is atomic: of several processes one gets it, and looks what it got."""
    aside = path.with_name(f"{path.name}.{uuid.uuid4().hex}")
    try:
        os.rename(path, aside)
    except FileNotFoundError:
        return
    if aside.read_text() == token or path.exists():
        aside.unlink()
    else:  # Another process was quicker and this is its new lock.
        os.rename(aside, path)
