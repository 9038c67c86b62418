"""HAN (Li, Zhu, Gong: Scalable Person Re-Identification by Harmonious Attention) on Market-1501, as in the paper.

Section 4, "Implementation Details": SGD with momentum 0.9, learning rate 3e-2, × 0.1 at epochs 100, 200 and 250 of 300,
weight decay 5e-4, batches of 32 images, no pre-training and no augmentation. Random erasing is the paper's option.

Rank-1 / mAP that the paper prints for a single query (Table 3): small 89.4 / 73.2, medium 90.7 / 74.5, large
91.6 / 76.7. None of these recipes has been run to its end by this project, which has no copy of Market-1501.
"""

from keras_reid.training import Falling, Recipe, Stage


def han_small() -> Recipe:
    """The smallest of the three, 3.7e8 multiply-adds.

    keras-reid train --recipe han_small --data market1501:/data/Market-1501 --output runs/han_small
    """
    return _market("small")


def han_medium() -> Recipe:
    """Halves its maps one unit later than the small one: 5.3e8 multiply-adds.

    keras-reid train --recipe han_medium --data market1501:/data/Market-1501 --output runs/han_medium
    """
    return _market("medium")


def han_large() -> Recipe:
    """Halves its maps last: 7.0e8 multiply-adds.

    keras-reid train --recipe han_large --data market1501:/data/Market-1501 --devices 4 --output runs/han_large
    """
    return _market("large")


def han_small_erasing() -> Recipe:
    """`han_small` with random erasing.

    keras-reid train --recipe han_small_erasing --data market1501:/data/Market-1501 --output runs/han_small_erasing
    """
    return _market("small", erasing=True)


def han_medium_erasing() -> Recipe:
    """`han_medium` with random erasing.

    keras-reid train --recipe han_medium_erasing --data market1501:/data/Market-1501 --output runs/han_medium_erasing
    """
    return _market("medium", erasing=True)


def han_large_erasing() -> Recipe:
    """`han_large` with random erasing.

    keras-reid train --recipe han_large_erasing --data market1501:/data/Market-1501 --output runs/han_large_erasing
    """
    return _market("large", erasing=True)


def _market(size: str, erasing: bool = False) -> Recipe:
    return Recipe(
        name=f"han_{size}" + "_erasing" * erasing,
        network=f"han_{size}",
        data="market1501",
        stages=(Stage((160, 64, 3), epochs=300, learning_rate=3e-2),),
        schedule=Falling(at=(100 / 300, 200 / 300, 250 / 300)),
        optimizer=_sgd,
        batch_size=32,
        augmentation={"flip": False, "crop": 0.0, "colour": 0.0, "erasing": 0.5} if erasing else None,
        # 19,732 gallery images take longer to embed than an epoch to train.
        evaluate_every=10,
    )


def _sgd(rate):
    import keras

    return keras.optimizers.SGD(rate, momentum=0.9, weight_decay=5e-4)
