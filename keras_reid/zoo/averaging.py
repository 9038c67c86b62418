"""The mean of the weights of several trainings."""

import contextlib
import os
import shutil
from collections.abc import Sequence

import h5py
import numpy as np

from keras_reid.errors import ReIDError
from keras_reid.files import atomically
from keras_reid.zoo.weights import variables


def average(sources: Sequence[str | os.PathLike], path: str | os.PathLike) -> None:
    """Write the mean of the weights in several files, variable by variable, batch normalisation's averages among them.

    Of trainings that went on from each other the mean often finds people better, whom none of them has seen, than the
    last one does. Trainings from different random weights have nothing to average.

    Args:
        sources: `.weights.h5` files of one network, that `ReIDModel.save_weights` wrote.
        path: The new file; written whole or not at all.

    Raises:
        ReIDError: no file, a file that holds no weights, or files of different networks.

    Source: Wortsman et al., "Model soups: averaging weights of multiple fine-tuned models improves accuracy without
    increasing inference time", ICML 2022.
    """
    if not sources:
        raise ReIDError("Expected at least one file of weights to average. Received: none.")
    shapes = variables(sources[0])
    for source in sources[1:]:
        if variables(source) != shapes:
            raise ReIDError(f"Weights of different networks have no mean: those in '{sources[0]}' and '{source}'.")
    with atomically(path) as new:
        shutil.copyfile(sources[0], new)
        with contextlib.ExitStack() as stack:
            files = [stack.enter_context(h5py.File(source, "r")) for source in sources]
            mean = stack.enter_context(h5py.File(new, "r+"))
            for name in shapes:
                mean[name][()] = np.mean([file[name][()] for file in files], axis=0)
