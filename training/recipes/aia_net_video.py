"""AiA-Net-V on MARS: AiA-Net on every frame, the frames averaged over the clip (AiA, section 5.4, Table 13).

Fang et al., Attention in Attention Networks for Person Retrieval. The details stand in the paper's supplement, which we
do not have; here it is trained as on Market-1501 (`aia_net.py`), with batches of 4 clips of each of 8 people, and 4
frames of one tracklet a clip. Tracklets are measured by the mean of all their frames.

Below stand the paper's mAP / rank-1 in percent. None of these recipes has been run to its end by this project, which
has no copy of MARS.
"""

from keras_reid.training import Falling, Recipe, Stage

_FLIPS = {"flip": True, "crop": 0.0, "colour": 0.0, "erasing": 0.0}


def aia_net_video_linear_mars() -> Recipe:
    """Linear kernel: 81.3 / 86.4.

    keras-reid train --recipe aia_net_video_linear_mars --data mars:/data/MARS
    """
    return _recipe("aia_net_video_linear")


def aia_net_video_polynomial_mars() -> Recipe:
    """Polynomial kernel: 81.8 / 86.7.

    keras-reid train --recipe aia_net_video_polynomial_mars --data mars:/data/MARS
    """
    return _recipe("aia_net_video_polynomial")


def aia_net_video_gaussian_mars() -> Recipe:
    """Gaussian kernel: 81.7 / 87.2.

    keras-reid train --recipe aia_net_video_gaussian_mars --data mars:/data/MARS
    """
    return _recipe("aia_net_video_gaussian")


def _recipe(network: str) -> Recipe:
    falls = Falling(at=(100 / 200, 150 / 200))  # epochs 150 and 200 of all 250
    return Recipe(
        name=f"{network}_mars",
        network=network,
        options={"frames": 4},
        data="mars",
        stages=(
            Stage((256, 128, 3), 50, 5e-4),
            Stage((256, 128, 3), 200, 5e-4, augmentation={**_FLIPS, "erasing": 0.5}, schedule=falls),
        ),
        identities=8,
        images=4,
        augmentation=_FLIPS,
        loss="cross_entropy+five_triplets",
        optimizer=_adam,
        # Hundreds of thousands of frames are to be embedded.
        evaluate_every=50,
    )


def _adam(rate):
    import keras

    return keras.optimizers.Adam(rate, weight_decay=1e-4)
