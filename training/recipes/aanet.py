"""AANet (Lian, Jiang, Hu: Attention-Aligned Network for Person Re-Identification) on the paper's data sets.

Section 4.2: ResNet-50 from ImageNet weights, pictures of 384×192, mirrored and erased; batches of P = 10 identities ×
K = 3 images; SGD with momentum 0.9, learning rate 0.01, × 0.1 after 40 epochs (the paper says of the convolutions, here
of all); softmax on the parts, improved TriHard and attention alignment at equal weight. No weight decay is named, and
none is used.

Rank-1 / mAP that the paper prints for a single query (Tables 11 to 14) stands with each recipe. None has been run to
its end by this project, which has no copy of these data sets. Without Internet, give ImageNet weights as a file:
`--weights resnet50.weights.h5`, see `training/convert_resnet50.py`.
"""

import dataclasses

from keras_reid.training import Falling, Recipe, Stage


def aanet_market1501() -> Recipe:
    """Market-1501, 100 epochs: 96.1 / 88.6 in the paper (Table 11).

    keras-reid train --recipe aanet_market1501 --data market1501:/data/Market-1501 --output runs/aanet_market1501
    """
    return _aanet("aanet_market1501", "market1501", 100)


def aanet_dukemtmc() -> Recipe:
    """DukeMTMC-reID, 120 epochs: 90.2 / 79.5 in the paper (Table 12).

    keras-reid train --recipe aanet_dukemtmc --data dukemtmc:/data/DukeMTMC-reID --output runs/aanet_dukemtmc
    """
    return _aanet("aanet_dukemtmc", "dukemtmc", 120)


def aanet_cuhk03() -> Recipe:
    """CUHK03, new protocol, 80 epochs: 77.2 / 70.5 in the paper on detected boxes (Table 14), the reader's default.

    Labelled boxes, 82.4 / 76.7 (Table 13): `run("aanet_cuhk03", load("cuhk03", folder, boxes="labeled"))`.

    keras-reid train --recipe aanet_cuhk03 --data cuhk03:/data/cuhk03_release --output runs/aanet_cuhk03
    """
    return _aanet("aanet_cuhk03", "cuhk03", 80)


def aanet_baseline_market1501() -> Recipe:
    """The paper's baseline: parts alone, without attention, alignment and triplets: 92.6 / 79.9 (Tables 3 and 8).

    keras-reid train --recipe aanet_baseline_market1501 --data market1501:/data/Market-1501 --output runs/aanet_baseline
    """
    return dataclasses.replace(
        _aanet("aanet_baseline_market1501", "market1501", 100),
        options={"placement": 0, "global_branch": False},
        loss="cross_entropy",
    )


def aanet_ward() -> Recipe:
    """On the 25 people that WARD's `train` folder holds, on pictures of 128×64: .880 / .720, the mean of five seeds.

    Without attention (`options={"placement": 0}`) it came to .880 / .747, of five, too: on so few people AANet's
    attention does not help. An epoch takes two to three minutes of two cores.

    Fewer epochs, the rate falls after nine of twelve, and the pictures are smaller; all else as in the paper.

    keras-reid train --recipe aanet_ward --data ward:/data/WARD --output runs/aanet_ward
    """
    return dataclasses.replace(
        _aanet("aanet_ward", "ward", 12),
        stages=(Stage((128, 64, 3), epochs=12, learning_rate=0.01),),
        schedule=Falling(at=(0.75,)),
        evaluate_every=4,
    )


def _aanet(name: str, data: str, epochs: int) -> Recipe:
    return Recipe(
        name=name,
        network="aanet",
        data=data,
        weights="imagenet",
        stages=(Stage((384, 192, 3), epochs=epochs, learning_rate=0.01),),
        schedule=Falling(at=(40 / epochs,)),
        optimizer=_sgd,
        identities=10,
        images=3,
        augmentation={"flip": True, "crop": 0.0, "colour": 0.0, "erasing": 0.5},
        loss=None,
        evaluate_every=10,
    )


def _sgd(rate):
    import keras

    return keras.optimizers.SGD(rate, momentum=0.9)
