"""The command `keras-reid`: parses arguments, calls the package, prints the result.

A command is a module beside this one. None imports Keras before it runs, so that `--help` is quick.
"""

import io
import sys
from collections.abc import Sequence

import typer

from keras_reid.cli import console, data, gallery, models
from keras_reid.cli.attention import attention
from keras_reid.cli.embed import embed
from keras_reid.cli.evaluate import evaluate
from keras_reid.cli.export import export
from keras_reid.cli.fidelity import fidelity
from keras_reid.cli.match import match
from keras_reid.cli.train import train
from keras_reid.errors import ReIDError

# Modules that an extra brings -> the extra.
_EXTRAS = {
    "cv2": "people",
    "faiss": "faiss",
    "jax": "jax",
    "numba": "people",
    "onnx": "onnx",
    "onnxruntime": "onnx",
    "pymilvus": "milvus",
    "tf2onnx": "onnx",
}


def _group(help: str, epilog: str | None = None) -> typer.Typer:
    return typer.Typer(
        help=help,
        epilog=epilog,
        # Plain text: help and wrong usage print without loading rich, and examples keep their line breaks.
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        no_args_is_help=True,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    )


def _examples(*commands: str) -> str:
    """The end of a help text; the backspace in front keeps its lines as they are."""
    return "\b\n" + "\n".join(["Example:" if len(commands) == 1 else "Examples:", *(f"  {line}" for line in commands)])


app = _group(
    "Find the same person again in pictures of people; train, measure and export networks that do.",
    "Every command has an example in its --help, and --json for programs.",
)
app.command("list", epilog=_examples("keras-reid list", "keras-reid list --recipes"))(models.list_models)
app.command(epilog=_examples("keras-reid info han_small"))(models.info)
app.command(epilog=_examples("keras-reid embed crops/ --output vectors.npz"))(embed)
app.command(
    epilog=_examples(
        "keras-reid match --query query/ --gallery gallery/ --model han_small --picture matches.png",
        "keras-reid match --query anna.jpg --gallery gallery/ --top 5 --threshold 0.7 --json",
    )
)(match)
app.command(epilog=_examples("keras-reid attention anna.jpg --picture attention.png"))(attention)
app.command(
    epilog=_examples(
        "keras-reid evaluate --data people",
        "keras-reid evaluate --data market1501:/data/Market-1501 --model han_large --rerank",
        "keras-reid evaluate --data people --report report/",
    )
)(evaluate)
app.command(
    epilog=_examples(
        "keras-reid train --recipe han_large --data market1501:/data/Market-1501 --devices 4",
        "keras-reid train --recipe han_small --data people --miniature --output runs/try",
    )
)(train)
app.command(
    epilog=_examples(
        "keras-reid export han_small --format tflite --quantize int8 --representative crops/",
        "keras-reid export han_small --format onnx --weights mine.weights.h5 --output mine.onnx",
    )
)(export)
app.command(epilog=_examples("keras-reid verify", "keras-reid verify han_small --parity"))(models.verify)
app.command(epilog=_examples("keras-reid fidelity --json"))(fidelity)

sets = _group("Look into data sets, and make some.")
sets.command(epilog=_examples("keras-reid data info market1501:/data/Market-1501"))(data.info)
sets.command(epilog=_examples("keras-reid data copy people/"))(data.copy)
sets.command(
    epilog=_examples(
        "keras-reid data render --identities 3000 --out rendered",
        "keras-reid data render --identities 8 --test-identities 4 --clothes download --out try",
    )
)(data.render)
app.add_typer(sets, name="data")

galleries = _group("Keep pictures in a gallery, and search it.")
galleries.command(epilog=_examples("keras-reid gallery add people.gallery crops/ --camera 2 --file-times"))(gallery.add)
galleries.command(
    epilog=_examples(
        "keras-reid gallery search people.gallery --query anna.jpg --camera 2 --camera 3 --picture found.png"
    )
)(gallery.search)
galleries.command(epilog=_examples("keras-reid gallery remove people.gallery crops/0007.jpg"))(gallery.remove)
galleries.command(epilog=_examples("keras-reid gallery info people.gallery"))(gallery.info)
app.add_typer(galleries, name="gallery")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit: 0, 1 if it failed, 2 if it was used wrongly, 130 if it was interrupted.

    Args:
        arguments: Without the program's name. Defaults to those of the process.
    """
    for stream in (sys.stdout, sys.stderr):  # a file's name may have bytes that are no text
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        app(args=None if arguments is None else list(arguments), prog_name="keras-reid")
    except ReIDError as error:
        _fail(str(error))
    except ModuleNotFoundError as error:
        package = (error.name or "").split(".")[0]
        if package not in _EXTRAS:
            raise
        _fail(f"This needs the package {package}, which is not installed: pip install 'keras-reid[{_EXTRAS[package]}]'")
    except OSError as error:  # a full disk, a folder that may not be written to
        _fail(str(error))


def _fail(message: str) -> None:
    console.say(f"Error: {message}")
    sys.exit(1)
