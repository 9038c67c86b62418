"""AiA-Net and BAT-net: attention in attention behind a backbone's blocks, and a second look at parts of the person.

Fang et al.: Attention in Attention Networks for Person Retrieval; Bilinear Attention Networks for Person Retrieval.
"""

from collections.abc import Collection, Sequence
from typing import Any

import keras
from keras import layers, ops

from keras_reid import backbones
from keras_reid.errors import ReIDError
from keras_reid.layers.attention_in_attention import AttentionInAttention
from keras_reid.networks.checks import check_counts, check_embedding, check_flags, checked_branches, checked_input_shape
from keras_reid.networks.clips import ClipModel
from keras_reid.networks.parts import rows_of_parts
from keras_reid.networks.units import normalisation

BRANCHES = ("appearance", "part")
POSITIONS = (1, 2, 3, 4)  # behind which of the backbone's four blocks (Table 7)


@keras.saving.register_keras_serializable(package="keras_reid")
class AiANet(ClipModel):
    """Attention in attention network: the whole person, and T parts through copies of the later blocks.

    The appearance extractor is a backbone of four blocks, attention in attention behind those in `positions`, global
    average pooling and a dense layer. The part extractor cuts what leaves block 2, attended, into T strips, resizes
    each to the size of the whole, and sends it through blocks 3 and 4 of its own, which share no weights and have no
    attention; the pooled streams are concatenated, a dense layer follows.

    Where the papers leave a choice:

    - If T does not divide the height of the map, strips are those of adaptive pooling: neighbours share a row.
    - A branch's feature is the dense layer's output as it is, the embedding that section 4.4 describes. The embedding
      is both features, each at length 1, times 1/√2.
    - The weights start at random: of the GoogLeNet that the papers cite no ImageNet weights are published.
      torchvision's, which they may have used, has 3×3 where that one has 5×5, which is farther from Table 8's sizes.
    - The weight decay is Keras' decoupled one, where PyTorch's Adam adds it to the gradient.
    - Whether Table 8's sizes of F_a + F_p include classifiers is not said (for CUHK03's 767 identities 0.8 M weights),
      and Table 2 prints 9.45 M for F_a alone, more than a GoogLeNet has: `keras-reid fidelity` shows them for
      information, and demands the sizes of the attention blocks alone.

    Args:
        kernel: "linear", "polynomial" or "gaussian". Defaults to "linear".
        identities: Number of training identities; adds one classifier a branch. Defaults to None: no heads.
        input_shape: Height, width and channels of the picture. Defaults to (256, 128, 3).
        positions: Behind which of the four blocks there is attention (Table 7), behind 3 and 4 in the appearance
            extractor alone; none for the paper's baseline. Defaults to all.
        inner_attention: Whether there is an attention in the attention (Table 3). Defaults to True.
        reduction: r of the attention: 8 on the CUHK data sets, 4 otherwise (Table 5). Defaults to 4.
        features: c′ of the Gaussian kernel: 960 on DukeMTMC-reID, 480 otherwise (section 4.4). Defaults to 480.
        form: Of the Gaussian kernel's features, see `RandomFourierFeatures`. Defaults to "cosine".
        seed: Of the Gaussian kernel's frequencies. Defaults to 0.
        branches: Which of "appearance" and "part" make the embedding (Table 2). Defaults to both.
        parts: How many strips, T. Defaults to 4.
        embedding: Length of the embedding, shared equally by the branches. Defaults to 1024.
        frames: Of a clip in a training batch: with more than 1 this is AiA-Net-V, see `ClipModel`. The paper's number
            stands in its supplement alone. Defaults to 1: pictures.
        backbone: One of `keras_reid.backbones.names()`; Fig. 11 has a ShuffleNet besides. Defaults to "googlenet".
        synchronized: Whether batch normalisation takes its statistics from all replicas under a `tf.distribute`
            strategy. Defaults to False.

    Raises:
        ReIDError: an option has none of the values above, or the picture is too small for T strips.

    Source: sections 4.2 and 4.4, Fig. 7; BAT-net's section 4. What Table 3 compares with are layers, for networks of
        one's own: `SqueezeExcite` and `NonLocal`.
    """

    # Section 4.4: learning rate × 0.1 at epochs 150 and 200 of 250.
    milestones: tuple[float, ...] = (150 / 250, 200 / 250)

    def __init__(
        self,
        kernel: str = "linear",
        identities: int | None = None,
        input_shape: Sequence[int] = (256, 128, 3),
        positions: Sequence[int] = POSITIONS,
        inner_attention: bool = True,
        reduction: int = 4,
        features: int = 480,
        form: str = "cosine",
        seed: int = 0,
        branches: Sequence[str] = BRANCHES,
        parts: int = 4,
        embedding: int = 1024,
        frames: int = 1,
        backbone: str = "googlenet",
        synchronized: bool = False,
        **kwargs,
    ):
        some = isinstance(positions, Collection) and not isinstance(positions, str)
        if not some or any(position not in POSITIONS for position in positions):
            raise ReIDError(f"`positions` is any of 1, 2, 3, 4, the backbone's blocks. Received: positions={positions}")
        branches = checked_branches(branches, BRANCHES)
        check_embedding(embedding, branches)
        check_counts(parts=parts, frames=frames)
        check_flags(inner_attention=inner_attention, synchronized=synchronized)
        # Has them checked, whether or not there is attention anywhere.
        AttentionInAttention(kernel, inner_attention, reduction, features, form, seed=seed)
        options = {
            "kernel": kernel,
            "input_shape": checked_input_shape(input_shape),
            "positions": tuple(position for position in POSITIONS if position in positions),
            "inner_attention": inner_attention,
            "reduction": reduction,
            "features": features,
            "form": form,
            "seed": seed,
            "branches": branches,
            "parts": parts,
            "embedding": embedding,
            "frames": frames,
            "backbone": backbone,
            "synchronized": synchronized,
        }
        super().__init__(options, identities=identities, **kwargs)

    @staticmethod
    def graph(options, images):
        batch_norm = normalisation(options["synchronized"])
        maps: dict[str, Any] = {}

        def attend(stage, features):
            level = int(stage.removeprefix("stage"))
            if level not in options["positions"] or (level > 2 and "appearance" not in options["branches"]):
                return features  # the part extractor goes its own way behind block 2
            attention = AttentionInAttention(
                **{name: options[name] for name in ("kernel", "inner_attention", "reduction", "features", "form")},
                seed=options["seed"] + level,  # no two blocks with the same frequencies
                synchronized=options["synchronized"],
                name=f"level{level}.attention",
            )
            attended, maps[f"level{level}.soft"] = attention(features, return_mask=True)
            return attended

        stages = backbones.create(options["backbone"], images, batch_norm, after_stage=attend)
        pooled = {}
        if "appearance" in options["branches"]:
            pooled["appearance"] = ops.mean(layers.Identity(name="feature_map")(stages["stage4"]), axis=(1, 2))
        if "part" in options["branches"]:
            streams = []
            for number, strip in enumerate(_strips(stages["stage2"], options["parts"]), start=1):
                stream = backbones.create(
                    options["backbone"], strip, batch_norm, start="stage3", prefix=f"part{number}."
                )["stage4"]
                streams.append(ops.mean(stream, axis=(1, 2)))
            pooled["part"] = layers.Concatenate(name="part.concat")(streams) if len(streams) > 1 else streams[0]
        length = options["embedding"] // len(options["branches"])
        features = {branch: layers.Dense(length, name=branch)(pooled[branch]) for branch in options["branches"]}
        return features, maps

    def default_optimizer(self):
        """Adam as in section 4.4, "Network Training", on the data sets other than CUHK's."""
        return keras.optimizers.Adam(5e-4, weight_decay=1e-4)

    def default_loss(self):
        """Cross-entropy and five triplets an image, on each extractor (section 4.3)."""
        return "cross_entropy+five_triplets"


@keras.saving.register_keras_serializable(package="keras_reid")
class BATNet(AiANet):
    """Bilinear attention network: an `AiANet` that is trained in another way.

    The paper's has the polynomial kernel and one attention, behind block 2: `networks.create("bat_net")` and
    `"bat_net_without_aia"` set these options, whose defaults are `AiANet`'s.

    Source: Fang et al.: Bilinear Attention Networks for Person Retrieval, section 4, Fig. 5.
    """

    # Section 4.4: learning rate × 0.1 at epochs 150, 200 and 250 of 300.
    milestones = (150 / 300, 200 / 300, 250 / 300)


def _strips(features, parts: int) -> list[keras.KerasTensor]:
    """T strips of the full width from top to bottom, each resized to the whole map's size."""
    height, width = features.shape[1:3]
    if parts > height:
        raise ReIDError(
            f"The map behind block 2 has {height} rows, too few for {parts} strips: take larger pictures or fewer "
            "`parts`."
        )
    return [
        ops.image.resize(features[:, first:end], (height, width), data_format="channels_last")
        for first, end in rows_of_parts(height, parts)
    ]
