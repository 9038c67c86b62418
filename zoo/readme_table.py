"""Bring the table of models in README.md up to date with `manifest.json`.

python zoo/readme_table.py
"""

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from keras_reid.files import atomically
from keras_reid.zoo.manifest import Entry, Manifest

ZOO = Path(__file__).resolve().parent
BEGIN, END = "<!-- zoo table -->", "<!-- end of zoo table -->"

_HEAD = """\
| model | parameters | weights | LiteRT int8 | measured on | rank-1 | rank-5 | mAP | mINP |
| --- | ---: | ---: | ---: | --- | ---: | ---: | ---: | ---: |
"""


def table(entries: Iterable[Entry]) -> str:
    """Published models with what was measured of each, one line a data set, Markdown."""
    lines = [_line(entry, figures) for entry in entries for figures in entry.figures]
    return _HEAD + "".join(lines) if lines else "No weights are published yet.\n"


def with_table(readme: str, entries: Iterable[Entry]) -> str:
    """The README with the table between its two marks."""
    before, _, rest = readme.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{table(entries)}{END}{after}"


def _line(entry: Entry, figures: dict[str, Any]) -> str:
    int8 = next((export["size"] for export in entry.exports or () if export["format"] == "tflite int8"), None)
    measured = " | ".join(f"{figures[name]:.3f}" for name in ("rank1", "rank5", "mAP", "mINP"))
    return (
        f"| `{entry.name}` | {entry.parameters / 1e6:.2f} M | {_megabytes(entry.size)} | {_megabytes(int8)} "
        f"| {figures['data']} | {measured} |\n"
    )


def _megabytes(size: int | None) -> str:
    return "" if size is None else f"{size / 1e6:.1f} MB"


def main() -> int:
    """Write README.md anew if it is out of date."""
    readme = ZOO.parent / "README.md"
    old = readme.read_text(encoding="utf-8")
    new = with_table(old, Manifest.read(ZOO / "manifest.json").entries.values())
    if new != old:
        with atomically(readme) as file:
            file.write_text(new, encoding="utf-8")
    print(f"{readme}: {'was up to date' if new == old else 'brought up to date'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
