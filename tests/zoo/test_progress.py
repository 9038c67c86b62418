"""The bar is for terminals."""

import io
import sys

from keras_reid.zoo.progress import progress_bar


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_no_terminal_no_bar(monkeypatch):
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    with progress_bar("Downloading") as report:
        assert report is None
    assert sys.stderr.getvalue() == ""


def test_bar_on_a_terminal(monkeypatch):
    monkeypatch.setattr(sys, "stderr", Terminal())
    with progress_bar("Downloading han") as report:
        report(1_500_000, 3_000_000)
        report(3_000_000, 3_000_000)
    assert "Downloading han" in sys.stderr.getvalue()
    assert "3.0/3.0 MB" in sys.stderr.getvalue()
