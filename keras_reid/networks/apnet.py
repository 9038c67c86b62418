"""APNet, attention pyramid networks (Chen et al.: Person Re-identification via Attention Pyramid)."""

import functools
from collections.abc import Sequence

import keras
from keras import layers, ops

from keras_reid import backbones
from keras_reid.errors import ReIDError
from keras_reid.graph import Graph
from keras_reid.layers.arguments import is_whole
from keras_reid.layers.attention_pyramid import AttentionPyramid
from keras_reid.layers.relation_aware_attention import RelationAwareAttention
from keras_reid.layers.squeeze_excite import SqueezeExcite
from keras_reid.losses import BatchHardTriplet, SmoothedCrossEntropy
from keras_reid.model import ReIDModel
from keras_reid.networks.checks import check_choice, check_counts, check_flags, checked_input_shape
from keras_reid.networks.parts import mean_of_rows, rows_of_parts
from keras_reid.networks.units import normalisation

# Section III-B and IV-B: what attends, and what is split, in the two variants.
ATTENTIONS = {"channel": "channels", "spatial": "height"}


@keras.saving.register_keras_serializable(package="keras_reid")
class APNet(ReIDModel):
    """Attention pyramid network: a backbone with an attention pyramid behind each of its four stages.

    The mean of the last map is what the triplet loss compares; behind a batch normalisation (the "neck", without
    offset) it is the embedding, and what the classifier reads. The paper measures with the mean of a picture and its
    mirror: `embed(…, flip=True)`.

    Where the paper leaves a choice:

    - Levels are counted as in its Table II: level 1 is the attention on the whole map, 0 the backbone alone.
    - The losses are added up as they are: λ of Eq. 9, whose value is not printed, is 1.
    - The multi-part trick is the one of MGN, to which the paper refers: the map behind the third stage goes to a second
      copy of the fourth stage, whose map is cut in two along the height; each half is a branch like the global one. The
      copy has no pyramid.

    With spatial attention the size of the picture is part of the weights.

    `zoo.load("apnet_c", weights="imagenet")` starts the backbone from ImageNet weights, as the paper does. Its figures
    (Table III) are of the backbone "resnet50_v1.5", for which Keras has no such weights.

    Args:
        attention: "channel": squeeze and excitation on parts of the channels (APNet-C); or "spatial": relation-aware
            attention on parts of the height (APNet-S). Defaults to "channel".
        identities: Number of training identities; adds one classifier a branch. Defaults to None: no heads.
        input_shape: Height, width and channels of the picture. Defaults to (384, 192, 3).
        levels: Of the pyramids (Tables II and III). Defaults to 2.
        radix: Into how many parts each part is split at the next level (Fig. 5). Defaults to 2.
        stacked: Whether the levels attend to the whole map, all of them: the paper's "stacked attention". Defaults to
            False.
        multi_part: Whether there is a second branch of two parts, as for CUHK03. Defaults to False.
        backbone: One of `keras_reid.backbones.names()` (Table V). Defaults to "resnet50".
        width: Filters of a ResNet's first convolution. Defaults to 64.
        reduction: Of the attention's bottleneck. Defaults to None: 16 for channels, 8 for positions.
        synchronized: Whether batch normalisation takes its statistics from all replicas under a `tf.distribute`
            strategy. Defaults to False.

    Raises:
        ReIDError: an option has none of the values above, or a stage's map does not split into as many equal parts.

    Source: sections III and IV-B, Fig. 2, Tables II, III and V.
    """

    # Section IV-B: learning rate × 0.1 every 40 of 160 epochs, of APNet-C; of APNet-S the paper prints none.
    milestones = (0.25, 0.5, 0.75)
    normalises_branches = False

    def __init__(
        self,
        attention: str = "channel",
        identities: int | None = None,
        input_shape: Sequence[int] = (384, 192, 3),
        levels: int = 2,
        radix: int = 2,
        stacked: bool = False,
        multi_part: bool = False,
        backbone: str = "resnet50",
        width: int = 64,
        reduction: int | None = None,
        synchronized: bool = False,
        **kwargs,
    ):
        check_choice(ATTENTIONS, attention=attention)
        check_counts(radix=radix, width=width)
        if not is_whole(levels, least=0):
            raise ReIDError(f"`levels` is a whole number, 0 for a plain ResNet, or above. Received: levels={levels!r}")
        check_flags(stacked=stacked, multi_part=multi_part, synchronized=synchronized)
        options = {
            "attention": attention,
            "input_shape": checked_input_shape(input_shape),
            "levels": levels,
            "radix": radix,
            "stacked": stacked,
            "multi_part": multi_part,
            "backbone": backbone,
            "width": width,
            "reduction": reduction,
            "synchronized": synchronized,
        }
        super().__init__(options, identities=identities, **kwargs)

    @staticmethod
    def graph(options, images):
        batch_norm = normalisation(options["synchronized"])
        maps = {}

        def attend(stage, x):
            if options["levels"] == 0:
                return x
            found = AttentionPyramid(
                _attention(options),
                options["levels"],
                1 if options["stacked"] else options["radix"],
                ATTENTIONS[options["attention"]],
                masks=True,
                name=f"{stage}.attention",
            )(x)
            x, kind, level = found.pop("features"), options["attention"], stage.replace("stage", "level")
            for step, mask in enumerate(found.values(), start=1):
                maps[f"{level}.step{step}.{kind}"] = mask
            maps[f"{level}.{kind}"] = functools.reduce(ops.multiply, found.values())
            if kind == "channel":  # a mask over channels alone shows nothing in a picture
                maps[f"{level}.response"] = ops.mean(x, axis=-1)
            return x

        width = {"width": options["width"]} if options["width"] != 64 else {}
        stages = backbones.create(options["backbone"], images, batch_norm, after_stage=attend, **width)
        x = layers.Identity(name="feature_map")(stages["stage4"])
        compared = {"global": ops.mean(x, axis=(1, 2))}
        if options["multi_part"]:
            local = backbones.create(
                options["backbone"], stages["stage3"], batch_norm, start="stage4", prefix="local.", **width
            )["stage4"]
            rows = ops.mean(local, axis=2)
            for part, borders in zip(("upper", "lower"), rows_of_parts(local.shape[1], 2), strict=True):
                compared[part] = mean_of_rows(rows, *borders)
        features = {branch: batch_norm(f"{branch}.neck", center=False)(x) for branch, x in compared.items()}
        return Graph(features, maps, compared)

    def default_loss(self):
        """Smoothed cross-entropy behind the neck and the batch-hard triplet loss before it (section III-C, IV-B)."""
        losses = {branch: SmoothedCrossEntropy(0.1) for branch in self.branches}
        return {**losses, **{f"{branch}_features": BatchHardTriplet(margin=0.3) for branch in self.branches}}

    def default_optimizer(self):
        """Adam as section IV-B has it for APNet-C; of APNet-S it prints none."""
        return keras.optimizers.Adam(4e-4)


def _attention(options):
    """What every part gets a copy of."""
    reduction = {} if options["reduction"] is None else {"reduction": options["reduction"]}
    if options["attention"] == "channel":
        return SqueezeExcite(**reduction)
    return RelationAwareAttention(**reduction, synchronized=options["synchronized"])
