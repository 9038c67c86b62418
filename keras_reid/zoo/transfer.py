"""The attempts that bring a file from a URL: each continues where the one before was cut off."""

import errno
import os
import shutil
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Any, BinaryIO

from keras_reid import __version__
from keras_reid.errors import ReIDError

Progress = Callable[[int, int], Any]

_BLOCK = 1 << 16
_LONGEST_PAUSE = 30.0
_RETRIED_STATUS = {408, 425, 429, 500, 502, 503, 504}
_CANNOT_CONTINUE = 416


class _Cut(Exception):
    """The connection ended early, or the server is busy: worth another attempt."""


@dataclass(frozen=True)
class Transfer:
    """Brings `size` bytes from `url` into the file `partial`, in as many attempts as it takes.

    Args:
        url: `https://`, `http://` or `file://`.
        partial: Where the bytes gather; what is there already is continued by a range request.
        size: Length of the whole file in bytes.
        progress: Called with (bytes there, `size`) after each block, or None.
        attempts: How many attempts in a row may bring nothing new.
        timeout: Seconds without a byte after which an attempt is given up.
        pause: Seconds before the second attempt, doubled before each further one.
    """

    url: str
    partial: Path
    size: int
    progress: Progress | None
    attempts: int
    timeout: float
    pause: float

    def have(self) -> int:
        """How many bytes are there."""
        return self.partial.stat().st_size if self.partial.exists() else 0

    def run(self) -> None:
        """Attempt after attempt until all bytes are there.

        Raises:
            ReIDError: the server refuses, holds a file of another length, or `attempts` in a row brought nothing new.
            OSError: `partial` cannot be written.
        """
        if self.have() > self.size:
            self.partial.unlink()
        # The most that was ever there: a server that cuts and cannot continue would otherwise bring news for ever.
        most = self.have()
        failures, pause = 0, self.pause
        while self.have() < self.size:
            if shutil.disk_usage(self.partial.parent).free < self.size - self.have():
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            try:
                self._attempt()
            except _Cut as cut:
                if self.have() > most:
                    most, failures, pause = self.have(), 0, self.pause
                else:
                    failures += 1
                if failures >= self.attempts:
                    raise self._given_up(cut) from cut
                time.sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE)

    def _given_up(self, cut: _Cut) -> ReIDError:
        return ReIDError(
            f"Could not download {self.url}: {cut}, {self.attempts} times in a row; {self.have()} of {self.size} bytes "
            "are there. Try again later, and it continues from there, or set KERAS_REID_ZOO_URL to a mirror within "
            "reach (file:// for a folder)."
        )

    def _attempt(self) -> None:
        """Ask once for what is missing and append what comes."""
        have = self.have()
        with self._open(have) as response:
            start = have if response.status == 206 else 0  # A server may ignore the range and send the whole file.
            if start and not response.headers.get("Content-Range", "").startswith(f"bytes {start}-"):
                self.partial.unlink()
                raise _Cut("the server sent another part of the file than the one asked for")
            self._check_length(response.headers.get("Content-Length"), start)
            with open(self.partial, "ab" if start else "wb") as file:
                self._receive(response, file, start)
                file.flush()
                os.fsync(file.fileno())

    def _open(self, have: int) -> Any:
        headers = {"User-Agent": f"keras-reid/{__version__}"}
        if have:
            headers["Range"] = f"bytes={have}-"
        try:
            return urllib.request.urlopen(urllib.request.Request(self.url, headers=headers), timeout=self.timeout)
        except urllib.error.HTTPError as error:
            error.close()
            answer = f"the server answered {error.code} {str(error.reason).partition(chr(10))[0]}"
            if error.code == _CANNOT_CONTINUE:
                self.partial.unlink(missing_ok=True)
            if error.code in _RETRIED_STATUS or (error.code == _CANNOT_CONTINUE and have):
                raise _Cut(answer) from error
            raise ReIDError(
                f"Could not download {self.url}: {answer}. Check KERAS_REID_ZOO_URL, and whether a newer keras-reid is "
                "out that knows where the file is."
            ) from error
        except urllib.error.URLError as error:
            if self.url.startswith("file://") or isinstance(error.reason, ssl.SSLCertVerificationError):
                raise ReIDError(f"Could not read {self.url}: {error.reason}. Check KERAS_REID_ZOO_URL.") from error
            raise _Cut(f"no connection ({error.reason})") from error
        except (OSError, HTTPException) as error:
            raise _Cut(f"no answer ({error or type(error).__name__})") from error

    def _check_length(self, announced: str | None, start: int) -> None:
        if announced is not None and announced.isdigit() and start + int(announced) != self.size:
            raise ReIDError(
                f"The file at {self.url} has {start + int(announced)} bytes, the published one {self.size}: the mirror "
                "holds an incomplete file or another version. Upload it there again, or set KERAS_REID_ZOO_URL to "
                "another mirror."
            )

    def _receive(self, response: Any, file: BinaryIO, done: int) -> None:
        while done < self.size:
            try:
                block = response.read(min(_BLOCK, self.size - done))
            except (OSError, HTTPException) as error:
                raise _Cut(f"the connection broke off ({error or type(error).__name__})") from error
            if not block:
                raise _Cut("the connection ended early")
            file.write(block)
            done += len(block)
            if self.progress:
                self.progress(done, self.size)
