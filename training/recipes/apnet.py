"""APNet (Chen et al.: Person Re-identification via Attention Pyramid) on the paper's data sets.

Section IV-B: ResNet-50 from ImageNet weights, last stride 1; batches of 20 identities × 4 images, cropped, mirrored and
erased; 160 epochs of Adam, learning rate 4e-4, × 0.1 every 40; smoothed cross-entropy and batch-hard triplets of margin
0.3. APNet-C takes pictures of 384×192, APNet-S of 256×128, both two levels. Epochs and rates are those of APNet-C: of
APNet-S the paper only says that its settings are another paper's, [5]. No weight decay is named, and none is used.
The paper measures with the mean of a picture and its mirror: `keras-reid evaluate --flip`.

Rank-1 / mAP that the paper prints for a single query (Table IV) stands with each recipe. None has been run to its end
by this project, which has no copy of these data sets. Without Internet, give ImageNet weights as a file:
`--weights resnet50.weights.h5`, see `training/convert_resnet50.py`.
"""

import dataclasses

from keras_reid.training import Falling, Recipe, Stage

_SIZES = {"apnet_c": (384, 192, 3), "apnet_s": (256, 128, 3)}


def apnet_c_market1501() -> Recipe:
    """Market-1501, channels: 96.2 / 90.5.

    keras-reid train --recipe apnet_c_market1501 --data market1501:/data/Market-1501 --output runs/apnet_c_market1501
    """
    return _apnet("apnet_c", "market1501")


def apnet_s_market1501() -> Recipe:
    """Market-1501, positions: 96.1 / 89.0.

    keras-reid train --recipe apnet_s_market1501 --data market1501:/data/Market-1501 --output runs/apnet_s_market1501
    """
    return _apnet("apnet_s", "market1501")


def apnet_c_dukemtmc() -> Recipe:
    """DukeMTMC-reID, channels: 90.4 / 81.5.

    keras-reid train --recipe apnet_c_dukemtmc --data dukemtmc:/data/DukeMTMC-reID --output runs/apnet_c_dukemtmc
    """
    return _apnet("apnet_c", "dukemtmc")


def apnet_s_dukemtmc() -> Recipe:
    """DukeMTMC-reID, positions: 89.3 / 78.8.

    keras-reid train --recipe apnet_s_dukemtmc --data dukemtmc:/data/DukeMTMC-reID --output runs/apnet_s_dukemtmc
    """
    return _apnet("apnet_s", "dukemtmc")


def apnet_c_msmt17() -> Recipe:
    """MSMT17, channels: 83.7 / 63.5.

    keras-reid train --recipe apnet_c_msmt17 --data msmt17:/data/MSMT17 --output runs/apnet_c_msmt17
    """
    return _apnet("apnet_c", "msmt17")


def apnet_s_msmt17() -> Recipe:
    """MSMT17, positions: 80.8 / 59.0.

    keras-reid train --recipe apnet_s_msmt17 --data msmt17:/data/MSMT17 --output runs/apnet_s_msmt17
    """
    return _apnet("apnet_s", "msmt17")


def apnet_c_cuhk03() -> Recipe:
    """CUHK03, new protocol, with the branch of two parts that the paper has there: 83.0 / 81.5 on detected boxes.

    Labelled boxes, 87.4 / 85.3: `run("apnet_c_cuhk03", load("cuhk03", folder, boxes="labeled"))`.

    keras-reid train --recipe apnet_c_cuhk03 --data cuhk03:/data/cuhk03_release --output runs/apnet_c_cuhk03
    """
    return _apnet("apnet_c", "cuhk03", multi_part=True)


def apnet_s_cuhk03() -> Recipe:
    """CUHK03, new protocol, with the branch of two parts: 80.9 / 78.1 on detected boxes, 83.5 / 81.1 on labelled ones.

    keras-reid train --recipe apnet_s_cuhk03 --data cuhk03:/data/cuhk03_release --output runs/apnet_s_cuhk03
    """
    return _apnet("apnet_s", "cuhk03", multi_part=True)


def apnet_baseline_market1501() -> Recipe:
    """The paper's APNet-0, no attention at all: 95.0 / 87.8 (Table II).

    keras-reid train --recipe apnet_baseline_market1501 --data market1501:/data/Market-1501 --output runs/apnet_baseline
    """
    recipe = _apnet("apnet_c", "market1501", levels=0)
    return dataclasses.replace(recipe, name="apnet_baseline_market1501")


def apnet_c_ward() -> Recipe:
    """On the 25 people that WARD's `train` folder holds, on pictures of 128×64: .907 / .792.

    With seed 1 .947 / .816. An epoch takes two to three minutes of two cores. In bfloat16 it came to .880 / .697.

    Twelve epochs, the rate falls after every third; batches of 12 identities, of the 25; all else as in the paper.

    keras-reid train --recipe apnet_c_ward --data ward:/data/WARD --output runs/apnet_c_ward
    """
    return _ward("apnet_c_ward")


def resnet50_ward() -> Recipe:
    """`apnet_c_ward` without its pyramids: a plain ResNet-50 trained in the same way, to compare with: .840 / .711.

    In bfloat16: .773 / .686.

    keras-reid train --recipe resnet50_ward --data ward:/data/WARD --output runs/resnet50_ward
    """
    return _ward("resnet50_ward", levels=0)


def _ward(name: str, **options) -> Recipe:
    recipe = _apnet("apnet_c", "ward", **options)
    return dataclasses.replace(
        recipe,
        name=name,
        stages=(Stage((128, 64, 3), epochs=12, learning_rate=4e-4),),
        identities=12,
        evaluate_every=4,
    )


def _apnet(network: str, data: str, **options) -> Recipe:
    return Recipe(
        name=f"{network}_{data}",
        network=network,
        options=options,
        data=data,
        weights="imagenet",
        stages=(Stage(_SIZES[network], epochs=160, learning_rate=4e-4),),
        schedule=Falling(at=(0.25, 0.5, 0.75)),
        optimizer=_adam,
        identities=20,
        images=4,
        augmentation={"flip": True, "crop": 0.06, "colour": 0.0, "erasing": 0.5},
        loss=None,
        evaluate_every=10,
    )


def _adam(rate):
    import keras

    return keras.optimizers.Adam(rate)
