"""`keras-reid export`."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from keras_reid.cli import console, options

_ENDINGS = {"saved_model": "_saved_model", "tflite": ".tflite", "onnx": ".onnx"}


def export(
    model: Annotated[
        str, typer.Argument(metavar="MODEL", help="Name of a model: see 'keras-reid list'.", show_default=False)
    ],
    format: Annotated[
        Literal["saved_model", "tflite", "onnx"],
        typer.Option(help="tflite is LiteRT, for cameras; onnx needs the extra onnx."),
    ] = "tflite",
    quantize: Annotated[
        Literal["float16", "int8"] | None, typer.Option(help="Of tflite: half or a quarter of the size.")
    ] = None,
    representative: Annotated[
        Path | None,
        typer.Option(
            metavar="PATH",
            help="For int8: a folder of some hundred crops of your cameras. Default: the bundled people.",
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="PATH", help="Where to write. Default: MODEL_QUANTIZE.tflite and the like."
        ),
    ] = None,
    weights: options.Weights = "published",
    images: Annotated[
        Path | None,
        typer.Option(metavar="PATH", help="Pictures to compare on with the Keras model. Default: the bundled people."),
    ] = None,
    batch_size: Annotated[
        int | None,
        typer.Option(min=0, help="Pictures a call takes, 0 for any number. Default: 1 for tflite, any for the others."),
    ] = None,
    int8_output: Annotated[
        bool, typer.Option("--int8-output", help="With int8: an int8 embedding too, for processors without floats.")
    ] = False,
    json: options.Json = False,
) -> None:
    """Write a model as a file that runs without Keras.

    The file is run and compared with the Keras model first, and kept only if the two agree.
    """
    if format != "tflite" and (quantize or representative or int8_output):
        raise typer.BadParameter("--quantize, --representative and --int8-output go with --format tflite.")
    if quantize != "int8" and (representative or int8_output):
        raise typer.BadParameter("--representative and --int8-output go with --quantize int8.")
    path = output or Path("_".join(filter(None, (model, quantize))) + _ENDINGS[format])
    arguments: dict = {} if batch_size is None else {"batch_size": batch_size or None}
    with console.working(), console.waiting(f"Exporting {model} to {path}"):
        from keras_reid import export as exports
        from keras_reid.cli.crops import find_pictures

        if images is not None:
            arguments["images"] = find_pictures([images])
        if quantize is not None:
            arguments["quantize"] = quantize
        if representative is not None:
            arguments["representative"] = find_pictures([representative])
        if int8_output:
            arguments["output"] = "int8"
        write = {"saved_model": exports.to_saved_model, "tflite": exports.to_tflite, "onnx": exports.to_onnx}[format]
        report = write(options.load_model(model, weights), path, **arguments)
    if json:
        console.show_json({"model": model, **report.to_dict()})
        return
    facts = {
        "file": report.path,
        "format": f"{report.format} {report.quantize or 'float32'}",
        "bytes": report.size,
        "lowest cosine": f"{report.lowest_cosine:.6f}",
        "largest difference": f"{report.largest_difference:.1e}",
        "pictures compared": report.pictures,
        "batch": report.batch or "any",
        "operations": ", ".join(f"{name} {count}" for name, count in report.ops.items()),
    }
    console.show_table(("", model), [(name, console.text(value)) for name, value in facts.items()])
