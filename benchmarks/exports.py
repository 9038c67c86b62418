"""Every network of the zoo in every format: how far each file is from the model, how large, and how fast in LiteRT.

    python benchmarks/exports.py                                        # all of them
    python benchmarks/exports.py apnet_c aanet --backbone resnet50.weights.h5
    python benchmarks/exports.py --keep exports                         # an hour or two; stopped, it goes on there

Networks with published weights have those; the others random ones, or a backbone from a file of ImageNet weights. An
export that is further from the model than `keras_reid.export` allows, or needs more than LiteRT's built-in operations,
ends the run. Times are of one picture on one thread; the files of all networks take turns, so that only the
ratios to the first one are to be compared.
"""

import argparse
import contextlib
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from keras_reid import networks, zoo
from keras_reid.errors import ReIDError
from keras_reid.export.staging import staged
from keras_reid.zoo.latency import time_files

FORMATS = ("saved_model float32", "tflite float32", "tflite float16", "tflite int8", "onnx float32")
TIMED = ("float32", "int8")


def exported(name: str, folder: Path, backbone: str | None = None) -> dict[str, Any]:
    """Export one network into `folder`: its name, the input's shape, and the "cosine" and "size" of each format.

    Raises:
        ReIDError: an export fails, see `keras_reid.export`; or there is no such network or file.
    """
    import keras

    from keras_reid.zoo.exports import write_exports

    keras.utils.set_random_seed(0)  # of weights that come from no file
    weights = _kind(name, backbone)
    model = zoo.load(name, weights=backbone if weights == "backbone" else weights)
    reports = {report["format"]: report for report in write_exports(model, folder)}
    return {
        "network": name,
        "weights": weights,
        "input": list(model.inputs[0].shape[1:]),
        "cosine": {kind: reports[kind]["cosine"] for kind in FORMATS},
        "size": {kind: reports[kind]["size"] for kind in FORMATS},
    }


def kept(name: str, folder: Path, backbone: str | None = None) -> dict[str, Any]:
    """What `exported` returns, from an earlier run if that finished: its report lies beside the files.

    Raises:
        ReIDError: as `exported`; or `folder` is none that an earlier run made.
    """
    report = folder / "report.json"
    if not report.is_file():
        if folder.exists():
            raise ReIDError(
                f"'{folder}' is there already, without a report.json of an earlier run: keep them elsewhere."
            )
        with staged(folder, folder=True) as new:
            new.mkdir()
            row = exported(name, new, backbone)
            (new / report.name).write_text(json.dumps(row), encoding="utf-8")
    row = json.loads(report.read_text(encoding="utf-8"))
    there, asked = row["weights"] or "random", _kind(name, backbone) or "random"
    if there != asked:
        raise ReIDError(
            f"'{folder}' has exports of {there} weights, and {asked} ones are asked for: give another folder, or "
            "remove this one."
        )
    return row


def _kind(name: str, backbone: str | None) -> str | None:
    """Which weights the network has here: "published", "backbone" or None, random ones."""
    return "published" if zoo.info(name)["published"] else "backbone" if _takes(name, backbone) else None


def _takes(name: str, backbone: str | None) -> bool:
    """Whether the network has the backbone that ImageNet weights are for."""
    return backbone is not None and networks.options(name).get("backbone") == "resnet50"


def timed(rows: Sequence[dict[str, Any]], folder: Path) -> None:
    """Enter the median "milliseconds" of the LiteRT files that `exported` has left in `folder`/NAME."""
    files = [(row, kind) for row in rows for kind in TIMED]
    measured = time_files(
        [folder / row["network"] / f"{kind}.tflite" for row, kind in files], "--rounds", "10", "--runs", "1"
    )
    for (row, kind), one in zip(files, measured, strict=True):
        row.setdefault("milliseconds", {})[kind] = one["median_ms"]


def text(rows: Sequence[dict[str, Any]]) -> str:
    """The table in Markdown."""
    heads = ["network", "input", *(f"cosine, {kind.removesuffix(' float32')}" for kind in FORMATS)]
    heads += ["MB, LiteRT float32", "MB, int8", "ms, float32", "ms, int8", f"× {rows[0]['network']}"]
    lines = [f"| {' | '.join(heads)} |", "| --- | --- |" + " ---: |" * (len(heads) - 2)]
    for row in rows:
        cells = [f"`{row['network']}`", "×".join(str(length) for length in row["input"][:-1])]
        cells += [f"{row['cosine'][kind]:.6f}" for kind in FORMATS]
        cells += [f"{row['size'][kind] / 1e6:.1f}" for kind in ("tflite float32", "tflite int8")]
        cells += [f"{row['milliseconds'][kind]:.1f}" for kind in TIMED]
        cells.append(f"{row['milliseconds']['float32'] / rows[0]['milliseconds']['float32']:.1f}")
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; the exit status is 0, 1 (it failed) or 2 (wrong usage)."""
    summary, _, rest = (__doc__ or "").partition("\n")
    parser = argparse.ArgumentParser(
        description=summary, epilog=rest, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("networks", nargs="*", metavar="NETWORK", help="default: every one of the zoo")
    parser.add_argument("--backbone", metavar="FILE", help="ImageNet weights of ResNet-50, .weights.h5")
    parser.add_argument("--keep", metavar="FOLDER", help="keep the files there, and do not make again what is there")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    given = parser.parse_args(arguments)
    try:
        with tempfile.TemporaryDirectory() as scratch, contextlib.redirect_stdout(sys.stderr):
            folder = Path(given.keep or scratch)
            rows = []
            for name in given.networks or networks.names():
                rows.append(kept(name, folder / name, given.backbone))
                print(json.dumps(rows[-1]), file=sys.stderr, flush=True)
            timed(rows, folder)
    except ReIDError as error:
        print(error, file=sys.stderr)
        return 1
    print(json.dumps(rows, indent=2) if given.json else text(rows))
    return 0


if __name__ == "__main__":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.exit(main())
