"""HAN (Li, Zhu, Gong: Scalable Person Re-Identification by Harmonious Attention) on the paper's four data sets.

Section 4, "Implementation Details": SGD with momentum 0.9, learning rate 3e-2, × 0.1 at epochs 100, 200 and 250 of 300,
weight decay 5e-4, batches of 32 images, no pre-training and no augmentation. Random erasing is the paper's option, for
Market-1501 and DukeMTMC-reID.

Rank-1 / mAP that the paper prints for a single query (Tables 3 to 6) stands with each recipe. None has been run to its
end by this project, which has no copy of these data sets.
"""

from keras_reid.training import Falling, Recipe, Stage


def han_small() -> Recipe:
    """The smallest of the three, 3.7e8 multiply-adds, on Market-1501: 89.4 / 73.2.

    keras-reid train --recipe han_small --data market1501:/data/Market-1501 --output runs/han_small
    """
    return _han("small", "market1501")


def han_medium() -> Recipe:
    """Halves its maps one unit later than the small one, 5.3e8 multiply-adds, on Market-1501: 90.7 / 74.5.

    keras-reid train --recipe han_medium --data market1501:/data/Market-1501 --output runs/han_medium
    """
    return _han("medium", "market1501")


def han_large() -> Recipe:
    """Halves its maps last, 7.0e8 multiply-adds, on Market-1501: 91.6 / 76.7.

    keras-reid train --recipe han_large --data market1501:/data/Market-1501 --devices 4 --output runs/han_large
    """
    return _han("large", "market1501")


def han_small_erasing() -> Recipe:
    """`han_small` with random erasing: 90.0 / 75.3.

    keras-reid train --recipe han_small_erasing --data market1501:/data/Market-1501 --output runs/han_small_erasing
    """
    return _han("small", "market1501", erasing=True)


def han_medium_erasing() -> Recipe:
    """`han_medium` with random erasing: 90.9 / 77.9.

    keras-reid train --recipe han_medium_erasing --data market1501:/data/Market-1501 --output runs/han_medium_erasing
    """
    return _han("medium", "market1501", erasing=True)


def han_large_erasing() -> Recipe:
    """`han_large` with random erasing: 91.1 / 78.1.

    keras-reid train --recipe han_large_erasing --data market1501:/data/Market-1501 --output runs/han_large_erasing
    """
    return _han("large", "market1501", erasing=True)


def han_small_dukemtmc() -> Recipe:
    """DukeMTMC-reID: 78.9 / 61.9.

    keras-reid train --recipe han_small_dukemtmc --data dukemtmc:/data/DukeMTMC-reID
    """
    return _han("small", "dukemtmc")


def han_medium_dukemtmc() -> Recipe:
    """DukeMTMC-reID: 80.0 / 63.4.

    keras-reid train --recipe han_medium_dukemtmc --data dukemtmc:/data/DukeMTMC-reID
    """
    return _han("medium", "dukemtmc")


def han_large_dukemtmc() -> Recipe:
    """DukeMTMC-reID: 80.6 / 64.1.

    keras-reid train --recipe han_large_dukemtmc --data dukemtmc:/data/DukeMTMC-reID
    """
    return _han("large", "dukemtmc")


def han_small_dukemtmc_erasing() -> Recipe:
    """DukeMTMC-reID with random erasing: 79.4 / 64.0.

    keras-reid train --recipe han_small_dukemtmc_erasing --data dukemtmc:/data/DukeMTMC-reID
    """
    return _han("small", "dukemtmc", erasing=True)


def han_medium_dukemtmc_erasing() -> Recipe:
    """DukeMTMC-reID with random erasing: 80.5 / 64.7.

    keras-reid train --recipe han_medium_dukemtmc_erasing --data dukemtmc:/data/DukeMTMC-reID
    """
    return _han("medium", "dukemtmc", erasing=True)


def han_large_dukemtmc_erasing() -> Recipe:
    """DukeMTMC-reID with random erasing: 80.7 / 65.9.

    keras-reid train --recipe han_large_dukemtmc_erasing --data dukemtmc:/data/DukeMTMC-reID
    """
    return _han("large", "dukemtmc", erasing=True)


def han_small_cuhk03() -> Recipe:
    """CUHK03, new protocol: 40.9 / 40.0 on detected boxes, the reader's default, 42.7 / 42.4 on labeled ones.

    keras-reid train --recipe han_small_cuhk03 --data cuhk03:/data/cuhk03
    """
    return _han("small", "cuhk03")


def han_medium_cuhk03() -> Recipe:
    """CUHK03, new protocol: 42.8 / 42.0 on detected boxes, the reader's default, 42.0 / 42.3 on labeled ones.

    keras-reid train --recipe han_medium_cuhk03 --data cuhk03:/data/cuhk03
    """
    return _han("medium", "cuhk03")


def han_large_cuhk03() -> Recipe:
    """CUHK03, new protocol: 47.5 / 45.5 on detected boxes, the reader's default, 46.5 / 46.1 on labeled ones.

    keras-reid train --recipe han_large_cuhk03 --data cuhk03:/data/cuhk03
    """
    return _han("large", "cuhk03")


def han_small_msmt17() -> Recipe:
    """MSMT17: 56.3 / 29.2.

    keras-reid train --recipe han_small_msmt17 --data msmt17:/data/MSMT17_V1
    """
    return _han("small", "msmt17")


def han_medium_msmt17() -> Recipe:
    """MSMT17: 57.1 / 30.3.

    keras-reid train --recipe han_medium_msmt17 --data msmt17:/data/MSMT17_V1
    """
    return _han("medium", "msmt17")


def han_large_msmt17() -> Recipe:
    """MSMT17: 60.1 / 32.6.

    keras-reid train --recipe han_large_msmt17 --data msmt17:/data/MSMT17_V1
    """
    return _han("large", "msmt17")


def _han(size: str, data: str, erasing: bool = False) -> Recipe:
    return Recipe(
        name=f"han_{size}" + f"_{data}" * (data != "market1501") + "_erasing" * erasing,
        network=f"han_{size}",
        data=data,
        stages=(Stage((160, 64, 3), epochs=300, learning_rate=3e-2),),
        schedule=Falling(at=(100 / 300, 200 / 300, 250 / 300)),
        optimizer=_sgd,
        batch_size=32,
        augmentation={"flip": False, "crop": 0.0, "colour": 0.0, "erasing": 0.5} if erasing else None,
        # Of Market-1501, 19,732 gallery images take longer to embed than an epoch to train.
        evaluate_every=10,
    )


def _sgd(rate):
    import keras

    return keras.optimizers.SGD(rate, momentum=0.9, weight_decay=5e-4)
