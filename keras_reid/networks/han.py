"""HAN, the harmonious attention network (Li, Zhu, Gong: Scalable Person Re-Identification by Harmonious Attention)."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from keras_reid.layers.harmonious_attention import KINDS, HarmoniousAttention
from keras_reid.layers.region_crop import RegionCrop
from keras_reid.model import ReIDModel
from keras_reid.networks.checks import (
    check_choice,
    check_counts,
    check_embedding,
    check_flags,
    checked_branches,
    checked_input_shape,
)
from keras_reid.networks.units import convolution, normalisation, unit

# Table 1: strides of the three units of every level of the global branch.
STRIDES = {"small": (2, 1, 1), "medium": (1, 2, 1), "large": (1, 1, 2)}
WIDTHS = (128, 256, 384)  # section 4, "Implementation Details"
# A region is 24 of 80 rows and 28 of 32 columns at level 1, 12×14 of 40×16 and 6×7 of 20×8 after it (section 4).
REGION = (0.3, 0.875)


@keras.saving.register_keras_serializable(package="keras_reid")
class HAN(ReIDModel):
    """Harmonious attention network: a global branch with soft attention, a local one over learnt regions.

    The shared stem halves the picture. Each of three levels sends its features through three units (global branch),
    attends to them, and cuts T regions out of the level's *input* at the positions that the attention found; the
    regions go through one unit a level in T streams that share their weights (local branch). From the second level
    on, what the local branch has computed is added to the new regions (cross-attention interaction, Eq. 8).

    Where the paper leaves a choice:

    - Regions of level l are cut from the input of level l with positions computed on its output (Fig. 1's arrows).
    - A branch's feature is batch-normalised, without ReLU: behind a ReLU the network hardly learns from random weights.
    - A local unit runs at stride 1 and is followed by 2×2 max pooling at levels 1 and 2: this agrees with Table 1's
      FLOPs within 1 % in all three sizes, where a strided unit lacks 75e6 of them. `local_stride=True` gives the
      strided unit, which is cheaper.
    - Every channel of a picture is standardised before the stem, which takes the camera's exposure, contrast and white
      balance away: the paper says nothing of preprocessing. What differs most between untrained features of pictures is
      otherwise their brightness, which says nothing of the person. A colour histogram finds 1.8 times as much by it
      (`benchmarks/baselines.py`).
    - "Weight decay" of the recipe is Keras' for SGD, apart from the gradient and its momentum. Added to the gradient,
      as an L2 loss would be, it would pull about ten times as much under momentum 0.9.
    - The embedding is the two branches' features, each normalised to length 1 (section 3.4), times 1/√2, so that the
      whole has length 1.

    Args:
        size: "small", "medium" or "large": where the global branch halves its maps (Table 1). Defaults to "small".
        identities: Number of training identities; adds one classifier a branch. Defaults to None: no heads.
        input_shape: Height, width and channels of the picture. Defaults to (160, 64, 3).
        attention: Which of "spatial", "channel", "hard" (Table 9). Defaults to all.
        interaction: Whether regions are added at levels 2 and 3 (Table 10). Defaults to True.
        branches: Which of "global" and "local" there are. A branch alone is trained alone: Table 8 takes one half of
            the embedding that both have learnt, `embeddings[:, :512]` or `[:, 512:]`. Defaults to both.
        unit: "depthwise", "residual" or "inception" (Table 12). Defaults to "depthwise".
        embedding: Length of the embedding, shared equally by the branches (Fig. 6). Defaults to 1024.
        local_stride: Whether local units are strided rather than followed by pooling. Defaults to False.
        regions: How many regions, T. Defaults to 4.
        synchronized: Whether batch normalisation takes its statistics from all replicas under a `tf.distribute`
            strategy. Defaults to False.
        standardized: Whether every channel of every picture is first brought to mean 0 and variance 1. Defaults to
            True.

    Raises:
        ReIDError: an option has none of the values above, or the picture is too small for three levels.

    Source: section 3.3, Fig. 1 and 4, Table 1.
    """

    # Section 4: learning rate × 0.1 at epochs 100, 200 and 250 of 300.
    milestones = (100 / 300, 200 / 300, 250 / 300)
    # Of the global branch: the local one reads regions, of which there is no one map.
    last_map = "level3.attention"

    def __init__(
        self,
        size: str = "small",
        identities: int | None = None,
        input_shape: Sequence[int] = (160, 64, 3),
        attention: Sequence[str] = KINDS,
        interaction: bool = True,
        branches: Sequence[str] = ("global", "local"),
        unit: str = "depthwise",
        embedding: int = 1024,
        local_stride: bool = False,
        regions: int = 4,
        synchronized: bool = False,
        standardized: bool = True,
        **kwargs,
    ):
        check_choice(STRIDES, size=size)
        branches = checked_branches(branches, ("global", "local"))
        check_embedding(embedding, branches)
        check_counts(regions=regions)
        flags = {"interaction": interaction, "local_stride": local_stride, "standardized": standardized}
        check_flags(**flags, synchronized=synchronized)
        HarmoniousAttention(attention)  # has it checked, whatever of it the branches make use of
        options = {
            "size": size,
            "input_shape": checked_input_shape(input_shape),
            "attention": tuple(attention),
            "interaction": interaction,
            "branches": branches,
            "unit": unit,
            "embedding": embedding,
            "local_stride": local_stride,
            "regions": regions,
            "synchronized": synchronized,
            "standardized": standardized,
        }
        super().__init__(options, identities=identities, **kwargs)

    @staticmethod
    def pixels(options, images):
        if not options["standardized"]:
            return ReIDModel.pixels(options, images)
        # From 0 to 2: squares of the numbers as they come would be too large where a runtime computes in float16.
        return _standardized(images * (1 / 127.5))

    @staticmethod
    def graph(options, images):
        batch_norm = normalisation(options["synchronized"])
        block = unit(options["unit"])
        # Level 1 has been computed when its regions are cut, so the local branch follows one step behind.
        x = convolution(images, 32, 3, 2, batch_norm, "stem")
        local: Any = None
        maps: dict[str, Any] = {}
        for level, width in enumerate(WIDTHS, start=1):
            entering = x
            cropped = "local" in options["branches"] and (level == 1 or options["interaction"])
            goes_on = "global" in options["branches"] or (options["interaction"] and level < len(WIDTHS))
            # What nothing looks at would not learn either.
            if goes_on or (cropped and "hard" in options["attention"]):
                for number, strides in enumerate(STRIDES[options["size"]], start=1):
                    x = block(x, width, strides, batch_norm, f"level{level}.unit{number}")
            idle = ("hard",) * (not cropped) + ("spatial", "channel") * (not goes_on)
            attended = HarmoniousAttention(
                [kind for kind in options["attention"] if kind not in idle],
                options["regions"],
                synchronized=options["synchronized"],
                name=f"level{level}.attention",
            )(x)
            x = attended.pop("features")
            if level == 1:
                size = [max(1, round(share * side)) for share, side in zip(REGION, entering.shape[1:3], strict=True)]
            else:
                size = [-(-side // 2) for side in size]  # what the local branch leaves of the regions before
            scale = [side / whole for side, whole in zip(size, entering.shape[1:3], strict=True)]
            maps |= {f"level{level}.{name}": attention for name, attention in attended.items()}
            positions = maps.pop(f"level{level}.positions")
            if cropped:
                maps[f"level{level}.regions"] = (positions, scale)
            if "local" not in options["branches"]:
                continue
            if cropped:
                crops = RegionCrop(size, name=f"level{level}.crop")(entering, attended["positions"])
                crops = ops.reshape(crops, (-1, *crops.shape[2:]))  # regions join the batch: the streams share weights
                local = crops if level == 1 else layers.Add(name=f"level{level}.interaction")([local, crops])  # Eq. 8
            pooled = level < len(WIDTHS) and not options["local_stride"]
            local = block(local, width, 1 if pooled else 2, batch_norm, f"level{level}.local")
            if pooled:
                local = layers.MaxPooling2D(2, padding="same", name=f"level{level}.local.halve")(local)

        features = {}
        length = options["embedding"] // len(options["branches"])
        for branch in options["branches"]:
            if branch == "global":
                pooled = ops.mean(x, axis=(1, 2))
            else:
                pooled = ops.reshape(ops.mean(local, axis=(1, 2)), (-1, options["regions"] * local.shape[-1]))
            feature = layers.Dense(length, use_bias=False, name=f"{branch}.dense")(pooled)
            features[branch] = batch_norm(branch)(feature)
        return features, maps

    def default_optimizer(self):
        """SGD as in section 4, "Implementation Details"."""
        return keras.optimizers.SGD(3e-2, momentum=0.9, weight_decay=5e-4)


def _standardized(images):
    """Each channel of each picture at mean 0 and variance 1; a picture of one colour stays near 0."""
    height, width, channels = images.shape[1:]
    # Rows in one piece: with the channels alone behind, three at a time, it would take a processor three times as long.
    rows = ops.reshape(images, (-1, height, width * channels))

    def mean(values):
        return ops.mean(ops.reshape(ops.mean(values, axis=1), (-1, width, channels)), axis=1)

    average = mean(rows)
    # A square of a difference would be exported as the operation that tests take for a forgotten training mode.
    variance = mean(rows * rows) - average * average
    scale = ops.rsqrt(variance + 1e-3)  # the root of 1e-3 is 4 of 255 grey levels

    # A product repeats the channels along a row: of the operations that do, the one for which every runtime has a fast
    # kernel and no exporter an error.
    repeated = np.tile(np.eye(channels, dtype="float32"), width)

    def along_a_row(values):
        return ops.expand_dims(ops.matmul(values, repeated), 1)

    return ops.reshape(rows * along_a_row(scale) - along_a_row(average * scale), (-1, height, width, channels))
