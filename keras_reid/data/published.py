"""How many pictures the published data sets have, to see whether a copy is whole."""

import warnings

import numpy as np

from keras_reid.data.table import DISTRACTOR, JUNK, ReIDData, Split

# Name -> split -> pictures without junk, people without distractors; None where it depends on the draw or nobody says.
# From the papers that the readers name.
PUBLISHED: dict[str, dict[str, tuple[int | None, int | None]]] = {
    "market1501": {"train": (12_936, 751), "query": (3_368, 750), "gallery": (15_913, 750)},
    "dukemtmc": {"train": (16_522, 702), "query": (2_228, 702), "gallery": (17_661, 1_110)},
    "occluded_duke": {"train": (15_618, 702), "query": (2_210, 519), "gallery": (17_661, 1_110)},
    "msmt17": {"train": (32_621, 1_041), "query": (11_659, 3_060), "gallery": (82_161, 3_060)},
    "cuhk01": {"train": (1_940, 485), "query": (972, 486), "gallery": (972, 486)},
    "cuhk03_labeled": {"train": (7_368, 767), "query": (1_400, 700), "gallery": (5_328, 700)},
    "cuhk03_detected": {"train": (7_365, 767), "query": (1_400, 700), "gallery": (5_332, 700)},
    "cuhk03_labeled_vanilla": {"train": (None, 1_367), "query": (None, 100), "gallery": (None, 100)},
    "cuhk03_detected_vanilla": {"train": (None, 1_367), "query": (None, 100), "gallery": (None, 100)},
    "mars": {"train": (8_298, 625), "query": (1_980, 626), "gallery": (9_330, None)},
}
_DUKE = (
    "DukeMTMC was withdrawn by its authors in 2019, because the people in it were filmed without their consent, and "
    "Occluded-Duke is made of it. Use it to compare with published figures if you must, not for anything new."
)
WITHDRAWN = {"dukemtmc": _DUKE, "occluded_duke": _DUKE}
OF_TRACKLETS = ("mars",)  # whose first number counts tracklets, not pictures


def counts(split: Split, of_tracklets: bool = False) -> tuple[int, int]:
    """Pictures, or tracklets, that are no junk, and people that are no distractors either."""
    kept = split.identities != JUNK
    units = np.unique(split.tracklets[kept]) if of_tracklets and split.tracklets is not None else split.paths[kept]
    people = np.unique(split.identities[kept])
    return len(units), int(np.count_nonzero(people != DISTRACTOR))


def warn_about(data: ReIDData, stacklevel: int = 2) -> None:
    """Warn of a data set that was withdrawn, and of splits that have other numbers than were published."""
    if data.name in WITHDRAWN:
        warnings.warn(WITHDRAWN[data.name], stacklevel=stacklevel + 1)
    of_tracklets = data.name in OF_TRACKLETS
    differences = []
    for name, expected in PUBLISHED.get(data.name, {}).items():
        units = "tracklets" if of_tracklets else "images", "people"
        for unit, count, wanted in zip(units, counts(data.splits[name], of_tracklets), expected, strict=True):
            if wanted is not None and count != wanted:
                differences.append(f"{count:,} {unit} in {name} instead of {wanted:,}")
    if differences:
        warnings.warn(
            f"'{data.root}' differs from the published {data.name}: {'; '.join(differences)}. Figures on it cannot be "
            "compared with published ones.",
            stacklevel=stacklevel + 1,
        )
