"""AiA-Net and BAT-net on the data sets of their papers' main tables.

Fang et al., Attention in Attention Networks for Person Retrieval (AiA), and Bilinear Attention Networks for Person
Retrieval (BAT), section 4.4 of both: Adam, weight decay 1e-4, batches of 64, learning rate 5e-4 (1e-3 on CUHK's data
sets), × 0.1 at epochs 150, 200 and 250 of 250 (AiA) or 300 (BAT); cross-entropy and five triplets an image on each
extractor, margin 1 (1.5); flips, and random erasing after epoch 50. r = 4 (8); c' = 480, on DukeMTMC-reID 960.

What the papers leave open, and what is otherwise here:

- BAT prints neither batch nor margin; AiA's are used.
- The 64 pictures are of 16 people, 4 each.
- Weight decay is Keras' for Adam, apart from the gradient: at these rates it moves the weights next to nothing.
- Erasing begins with a stage of its own, and the optimizer begins anew with it.
- The weights start at random, see `AiANet`.
- CUHK03 is measured by its new protocol on detected boxes. The others are there in Python:
  `training.run("bat_net_cuhk03", data.load("cuhk03", folder, boxes="labeled", protocol="vanilla"))`. For the latter AiA
  prints mAP / rank-1 91.5 / 93.6, 92.1 / 94.0 and 92.4 / 94.1 with the three kernels on detected, 94.8 / 96.1,
  95.2 / 96.8 and 94.9 / 96.6 on labeled boxes (Table 9).

Below stand the papers' mAP / rank-1 in percent for a single query. None of these recipes has been run to its end by
this project, which has none of the data sets.
"""

import functools

from keras_reid.training import Falling, Recipe, Stage

_FLIPS = {"flip": True, "crop": 0.0, "colour": 0.0, "erasing": 0.0}


def aia_net_linear_market1501() -> Recipe:
    """Linear kernel, Market-1501: 87.2 / 95.0 (AiA, Table 11).

    keras-reid train --recipe aia_net_linear_market1501 --data market1501:/data/Market-1501
    """
    return _recipe("aia_net_linear", "market1501")


def aia_net_linear_dukemtmc() -> Recipe:
    """Linear kernel, DukeMTMC-reID: 77.3 / 88.0 (AiA, Table 11).

    keras-reid train --recipe aia_net_linear_dukemtmc --data dukemtmc:/data/DukeMTMC-reID
    """
    return _recipe("aia_net_linear", "dukemtmc")


def aia_net_linear_msmt17() -> Recipe:
    """Linear kernel, MSMT17: 56.2 / 78.2 (AiA, Table 11).

    keras-reid train --recipe aia_net_linear_msmt17 --data msmt17:/data/MSMT17_V1
    """
    return _recipe("aia_net_linear", "msmt17")


def aia_net_linear_cuhk03() -> Recipe:
    """Linear kernel, CUHK03: 72.8 / 75.8, labeled boxes 76.4 / 79.1 (AiA, Table 10).

    keras-reid train --recipe aia_net_linear_cuhk03 --data cuhk03:/data/cuhk03
    """
    return _recipe("aia_net_linear", "cuhk03")


def aia_net_linear_cuhk01() -> Recipe:
    """Linear kernel, CUHK01: rank-1 82.8 (AiA, Table 12).

    keras-reid train --recipe aia_net_linear_cuhk01 --data cuhk01:/data/CUHK01
    """
    return _recipe("aia_net_linear", "cuhk01")


def aia_net_polynomial_market1501() -> Recipe:
    """Polynomial kernel, Market-1501: 87.4 / 95.3 (AiA, Table 11).

    keras-reid train --recipe aia_net_polynomial_market1501 --data market1501:/data/Market-1501
    """
    return _recipe("aia_net_polynomial", "market1501")


def aia_net_polynomial_dukemtmc() -> Recipe:
    """Polynomial kernel, DukeMTMC-reID: 77.5 / 88.2 (AiA, Table 11).

    keras-reid train --recipe aia_net_polynomial_dukemtmc --data dukemtmc:/data/DukeMTMC-reID
    """
    return _recipe("aia_net_polynomial", "dukemtmc")


def aia_net_polynomial_msmt17() -> Recipe:
    """Polynomial kernel, MSMT17: 57.6 / 79.6 (AiA, Table 11).

    keras-reid train --recipe aia_net_polynomial_msmt17 --data msmt17:/data/MSMT17_V1
    """
    return _recipe("aia_net_polynomial", "msmt17")


def aia_net_polynomial_cuhk03() -> Recipe:
    """Polynomial kernel, CUHK03: 74.2 / 76.9, labeled boxes 77.0 / 79.4 (AiA, Table 10).

    keras-reid train --recipe aia_net_polynomial_cuhk03 --data cuhk03:/data/cuhk03
    """
    return _recipe("aia_net_polynomial", "cuhk03")


def aia_net_polynomial_cuhk01() -> Recipe:
    """Polynomial kernel, CUHK01: rank-1 83.5 (AiA, Table 12).

    keras-reid train --recipe aia_net_polynomial_cuhk01 --data cuhk01:/data/CUHK01
    """
    return _recipe("aia_net_polynomial", "cuhk01")


def aia_net_gaussian_market1501() -> Recipe:
    """Gaussian kernel, Market-1501: 87.9 / 95.6 (AiA, Table 11).

    keras-reid train --recipe aia_net_gaussian_market1501 --data market1501:/data/Market-1501
    """
    return _recipe("aia_net_gaussian", "market1501")


def aia_net_gaussian_dukemtmc() -> Recipe:
    """Gaussian kernel, DukeMTMC-reID: 78.6 / 88.8 (AiA, Table 11).

    keras-reid train --recipe aia_net_gaussian_dukemtmc --data dukemtmc:/data/DukeMTMC-reID
    """
    return _recipe("aia_net_gaussian", "dukemtmc")


def aia_net_gaussian_msmt17() -> Recipe:
    """Gaussian kernel, MSMT17: 58.8 / 80.0 (AiA, Table 11).

    keras-reid train --recipe aia_net_gaussian_msmt17 --data msmt17:/data/MSMT17_V1
    """
    return _recipe("aia_net_gaussian", "msmt17")


def aia_net_gaussian_cuhk03() -> Recipe:
    """Gaussian kernel, CUHK03: 74.8 / 77.8, labeled boxes 77.6 / 80.6 (AiA, Table 10).

    keras-reid train --recipe aia_net_gaussian_cuhk03 --data cuhk03:/data/cuhk03
    """
    return _recipe("aia_net_gaussian", "cuhk03")


def aia_net_gaussian_cuhk01() -> Recipe:
    """Gaussian kernel, CUHK01: rank-1 83.9 (AiA, Table 12).

    keras-reid train --recipe aia_net_gaussian_cuhk01 --data cuhk01:/data/CUHK01
    """
    return _recipe("aia_net_gaussian", "cuhk01")


def bat_net_market1501() -> Recipe:
    """BAT-net, Market-1501: 87.4 / 95.1 (BAT, Table 2).

    keras-reid train --recipe bat_net_market1501 --data market1501:/data/Market-1501
    """
    return _recipe("bat_net", "market1501")


def bat_net_dukemtmc() -> Recipe:
    """BAT-net, DukeMTMC-reID: 77.3 / 87.7 (BAT, Table 3).

    keras-reid train --recipe bat_net_dukemtmc --data dukemtmc:/data/DukeMTMC-reID
    """
    return _recipe("bat_net", "dukemtmc")


def bat_net_msmt17() -> Recipe:
    """BAT-net, MSMT17: 56.8 / 79.5 (BAT, Table 4).

    keras-reid train --recipe bat_net_msmt17 --data msmt17:/data/MSMT17_V1
    """
    return _recipe("bat_net", "msmt17")


def bat_net_cuhk03() -> Recipe:
    """BAT-net, CUHK03: 73.2 / 76.2, labeled boxes 76.1 / 78.6 (BAT, Table 1).

    keras-reid train --recipe bat_net_cuhk03 --data cuhk03:/data/cuhk03
    """
    return _recipe("bat_net", "cuhk03")


def bat_net_without_aia_market1501() -> Recipe:
    """BAT-net without inner attention, Market-1501: 85.5 / 94.1 (BAT, Table 2).

    keras-reid train --recipe bat_net_without_aia_market1501 --data market1501:/data/Market-1501
    """
    return _recipe("bat_net_without_aia", "market1501")


def bat_net_without_aia_dukemtmc() -> Recipe:
    """BAT-net without inner attention, DukeMTMC-reID: 75.8 / 86.1 (BAT, Table 3).

    keras-reid train --recipe bat_net_without_aia_dukemtmc --data dukemtmc:/data/DukeMTMC-reID
    """
    return _recipe("bat_net_without_aia", "dukemtmc")


def bat_net_without_aia_msmt17() -> Recipe:
    """BAT-net without inner attention, MSMT17: 50.4 / 74.1 (BAT, Table 4).

    keras-reid train --recipe bat_net_without_aia_msmt17 --data msmt17:/data/MSMT17_V1
    """
    return _recipe("bat_net_without_aia", "msmt17")


def bat_net_without_aia_cuhk03() -> Recipe:
    """BAT-net without inner attention, CUHK03: 68.7 / 71.4, labeled boxes 72.0 / 74.2 (BAT, Table 1).

    keras-reid train --recipe bat_net_without_aia_cuhk03 --data cuhk03:/data/cuhk03
    """
    return _recipe("bat_net_without_aia", "cuhk03")


def _recipe(network: str, data: str) -> Recipe:
    epochs = 300 if network.startswith("bat_net") else 250
    of_cuhk = data.startswith("cuhk")
    rate = 1e-3 if of_cuhk else 5e-4
    falls = Falling(at=tuple((epoch - 50) / (epochs - 50) for epoch in (150, 200, 250) if epoch < epochs))
    options = {"reduction": 8 if of_cuhk else 4}
    if network == "aia_net_gaussian":
        options["features"] = 960 if data == "dukemtmc" else 480
    return Recipe(
        name=f"{network}_{data}",
        network=network,
        options=options,
        data=data,
        stages=(
            Stage((256, 128, 3), 50, rate),
            Stage((256, 128, 3), epochs - 50, rate, augmentation={**_FLIPS, "erasing": 0.5}, schedule=falls),
        ),
        identities=16,
        images=4,
        augmentation=_FLIPS,
        loss=functools.partial(_losses, margin=1.5 if of_cuhk else 1.0),
        optimizer=_adam,
        evaluate_every=10,
    )


def _losses(branches, margin):
    import keras

    from keras_reid.losses import BatchHardTriplet

    losses = {}
    for branch in branches:
        losses[branch] = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        losses[f"{branch}_features"] = BatchHardTriplet(margin, negatives=5)
    return losses


def _adam(rate):
    import keras

    return keras.optimizers.Adam(rate, weight_decay=1e-4)
