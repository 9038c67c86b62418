r"""Publish weights: write `weights/NAME.weights.h5`, measure it, and enter it in `manifest.json` with its card.

    python zoo/publish.py han_small --run runs/han_rendered --run runs/han_small_rendered \
        --command "keras-reid train --recipe han_small_rendered --data market1501:rendered" \
        --trained-on "rendered pictures of 2,800 people" --data ward:/data/WARD --calibrate ward:/data/WARD

Every figure is measured here, with the very file that is published; none is typed. The file holds the embedding network
without the identity heads of the training, in float16 where that leaves the embeddings as they are.

    python zoo/publish.py han_small --again --data ward:/data/WARD --calibrate ward:/data/WARD

measures what is published anew and keeps what its entry says of its training.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from keras_reid.errors import ReIDError
from keras_reid.zoo.publishing import measure_again, publish

ZOO = Path(__file__).resolve().parent


def _option(text: str) -> tuple[str, Any]:
    key, separator, value = text.partition("=")
    try:
        return key, json.loads(value)
    except json.JSONDecodeError:
        if separator:
            return key, value
        raise argparse.ArgumentTypeError(f"expected KEY=VALUE, received '{text}'") from None


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; the exit status is 0, 1 (it failed) or 2 (wrong usage)."""
    parser = argparse.ArgumentParser(
        description=(__doc__ or "").partition("\n")[0],
        epilog=(__doc__ or "").partition("\n")[2],
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("name", help="what keras_reid.zoo.load will be asked for")
    parser.add_argument("--again", action="store_true", help="measure what is published anew")
    parser.add_argument(
        "--run",
        action="append",
        default=[],
        metavar="FOLDER",
        help="a finished training; may be given several times, in the order in which they started from one another",
    )
    parser.add_argument("--weights", metavar="FILE", help="the .weights.h5 file of the trained model, instead of --run")
    parser.add_argument("--recipe", help="the recipe's name, with --weights")
    parser.add_argument("--command", help="the command that trained it")
    parser.add_argument("--trained-on", help='the pictures it was trained on, as "Trained on …" goes on')
    parser.add_argument(
        "--tuned",
        action="append",
        default=[],
        metavar="FOLDER",
        help="a finished training that started from these weights; may be given several times",
    )
    parser.add_argument(
        "--beside",
        action="append",
        default=[],
        metavar="FOLDER",
        help="a finished training of another network on the same pictures, to compare; several as with --run",
    )
    parser.add_argument(
        "--data",
        action="append",
        default=[],
        metavar="SET",
        help="what to measure on besides the bundled people, e.g. ward:/data/WARD; may be given several times",
    )
    parser.add_argument(
        "--calibrate",
        metavar="SET",
        help="choose the match thresholds on this data set's training people, of whom the model has seen none "
        "(default: on the bundled people's query and gallery)",
    )
    parser.add_argument("--network", help="the network's name, if it is another one than NAME")
    parser.add_argument(
        "--option",
        action="append",
        type=_option,
        help="of the network, KEY=VALUE in JSON (default: those of the last run's recipe)",
    )
    parser.add_argument("--licence", help="of the weights, an SPDX identifier (default: Apache-2.0)")
    parser.add_argument("--no-exports", action="store_true", help="leave out exports, int8 and latency")
    parser.add_argument("--zoo", default=ZOO, help="the folder with the manifest (default: %(default)s)")
    given = parser.parse_args(arguments)
    kept = ("run", "weights", "recipe", "command", "trained_on", "tuned", "network", "option", "licence")
    told = [f"--{name.replace('_', '-')}" for name in kept if getattr(given, name)]
    if given.again and told:
        parser.error(f"--again keeps what is published, and takes no {', '.join(told)}")
    if not given.again and not (given.command and given.trained_on):
        parser.error("the following arguments are required: --command, --trained-on (or --again)")
    how = {
        "beside": given.beside,
        "data": ["people", *given.data],
        "calibrate": given.calibrate,
        "exports": not given.no_exports,
        "zoo": given.zoo,
    }
    try:
        if given.again:
            entry = measure_again(given.name, **how)
        else:
            entry = publish(
                given.name,
                given.weights,
                recipe=given.recipe,
                runs=given.run,
                tuned=given.tuned,
                command=given.command,
                trained_on=given.trained_on,
                network=given.network,
                options=None if given.option is None else dict(given.option),
                licence=given.licence or "Apache-2.0",
                **how,
            )
    except ReIDError as error:
        print(error, file=sys.stderr)
        return 1
    for row in entry.figures:
        print(f"{row['data']}: rank-1 {row['rank1']:.3f}, mAP {row['mAP']:.3f}")
    for row in entry.match_rates:
        print(f"{row['data']}: {row['false_match_rate']:.2%} false matches where {row['claim']:.1%} are claimed")
    print(f"{entry.file}: {entry.size} bytes, {entry.precision}, SHA-256 {entry.sha256}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
