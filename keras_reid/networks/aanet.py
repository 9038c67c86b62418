"""AANet, the attention-aligned network (Lian, Jiang, Hu: Attention-Aligned Network for Person Re-Identification)."""

from collections.abc import Sequence

import keras
import numpy as np
from keras import layers, ops

from keras_reid import backbones
from keras_reid.backbones.resnet import RESNETS
from keras_reid.errors import ReIDError
from keras_reid.graph import Graph
from keras_reid.layers.omni_foreground_attention import OmniForegroundAttention
from keras_reid.losses import AttentionCosineDistance, ImprovedTriHard
from keras_reid.model import ReIDModel
from keras_reid.networks.checks import check_choice, check_counts, check_flags, checked_input_shape
from keras_reid.networks.parts import mean_of_rows, rows_of_parts
from keras_reid.networks.units import normalisation

STAGES = ("conv2", "conv3", "conv4", "conv5")  # the paper's Conv.B1 to Conv.B4


@keras.saving.register_keras_serializable(package="keras_reid")
class AANet(ReIDModel):
    """Attention-aligned network: a ResNet with foreground attention beside its last blocks, read in six parts.

    Omnidirectional foreground-aware attention (OFA) masks the output of each of the last residual blocks, computed from
    what enters the block. The last map, of the fourth stage at stride 1, is cut into six parts from head to feet; each
    part's mean has a classifier of its own. In training, the mean of the whole map goes to the improved TriHard loss,
    and the class activation maps of the pictures' own identities are aligned between pictures of a person.

    Where the paper leaves a choice:

    - The class activation map (Eq. 4) is that of one classifier on the mean of the whole map. Section 3.4 mentions one,
      but no loss of the paper teaches it: Eq. 8 sums over the six parts, and the whole map's feature goes to TriHard.
      Here it is the map of the sum of the parts' logits: every row is weighed by its own part's classifier.
    - Section 4.2 lowers the learning rate "of the convolution layers"; here it is everything's, the classifiers' too.
    - Eq. 9 compares features of length 1, see `ImprovedTriHard`.
    - Where parts do not divide the height, neighbours share a row.
    - Three modules of conv4 add 2.4 M weights in Table 5, and the other three, of which one reads half as many
      channels, 3.6 M, twice what their widths allow: from nine modules on, `keras-reid fidelity` shows the weights
      that attention adds for information, and demands the FLOPs alone.

    `zoo.load("aanet", weights="imagenet")` starts the backbone from ImageNet weights, as the paper does. Its figures
    (Table 5) are of the backbone "resnet50_v1.5", for which Keras has no such weights.

    Args:
        identities: Number of training identities; adds one classifier a part. Defaults to None: no heads.
        input_shape: Height, width and channels of the picture. Defaults to (384, 192, 3).
        placement: Beside which residual blocks attention stands: the last so many of all (Table 5: 0, 3, 6, 9, 13 or
            16), or those of some stages (Table 4), out of "conv2", "conv3", "conv4", "conv5". Defaults to 6.
        series: Whether attention stands behind the blocks rather than beside them (AANet-2 of Table 4). Defaults to
            False.
        parts: How many parts the last map is cut into. Defaults to 6.
        global_branch: Whether there is a global branch for the triplet loss in training (Table 3). Defaults to True.
        backbone: "resnet50" or "resnet101", or one of them with "_v1.5" behind. Defaults to "resnet50".
        width: Filters of the backbone's first convolution. Defaults to 64.
        reduction: Of the attentions' bottlenecks, r. Defaults to 16.
        synchronized: Whether batch normalisation takes its statistics from all replicas under a `tf.distribute`
            strategy. Defaults to False.

    Raises:
        ReIDError: an option has none of the values above.

    Source: sections 3.1 to 3.4, Fig. 2 and 5, Tables 3 to 5; of Table 3 the attention as a whole, since channel
        attention alone has no shape beside a block that changes the number of channels, and of Table 4 not
        AANet-DenseOFA.
    """

    # Section 4.2: learning rate × 0.1 after 40 of the 100 epochs on Market-1501.
    milestones = (0.4,)
    # "2048×6-dimension fused local features", compared by their cosine (section 4.2, "Testing").
    normalises_branches = False

    def __init__(
        self,
        identities: int | None = None,
        input_shape: Sequence[int] = (384, 192, 3),
        placement: int | Sequence[str] = 6,
        series: bool = False,
        parts: int = 6,
        global_branch: bool = True,
        backbone: str = "resnet50",
        width: int = 64,
        reduction: int = 16,
        synchronized: bool = False,
        **kwargs,
    ):
        check_choice(RESNETS, backbone=backbone)
        check_counts(parts=parts, width=width, reduction=reduction)
        check_flags(series=series, global_branch=global_branch, synchronized=synchronized)
        options = {
            "input_shape": checked_input_shape(input_shape),
            "placement": tuple(placement) if isinstance(placement, list | tuple) else placement,
            "series": series,
            "parts": parts,
            "global_branch": global_branch,
            "backbone": backbone,
            "width": width,
            "reduction": reduction,
            "synchronized": synchronized,
        }
        super().__init__(options, identities=identities, **kwargs)

    @staticmethod
    def graph(options, images):
        attended = _attended(options["placement"], RESNETS[options["backbone"]].blocks)
        maps = {}

        def attend(block, entering, leaving):
            if block not in attended:
                return leaving
            attention = OmniForegroundAttention(options["reduction"], name=f"{block}.attention")
            found = attention(leaving) if options["series"] else attention(entering, leaving)
            level = f"level{1 + attended.index(block)}"
            maps[f"{level}.spatial"] = ops.mean(found["spatial"], axis=-1, keepdims=True)
            maps[f"{level}.channel"] = found["channel"]
            return found["features"]

        x = backbones.create(
            options["backbone"],
            images,
            normalisation(options["synchronized"]),
            last_stride=1,
            width=options["width"],
            after_block=attend,
        )["stage4"]
        x = layers.Identity(name="feature_map")(x)
        rows = ops.mean(x, axis=2)
        features = {
            f"part{number}": mean_of_rows(rows, *borders)
            for number, borders in enumerate(rows_of_parts(x.shape[1], options["parts"]), start=1)
        }
        compared = {"global": ops.mean(rows, axis=1)} if options["global_branch"] else {}
        return Graph(features, maps, compared, {"alignment": x})

    def with_labels(self, labels, outputs):
        """In place of the last map, "alignment" is the class activation map of the pictures' own identities (Eq. 4)."""
        features = outputs["alignment"]
        labels = ops.cast(ops.reshape(labels, (-1,)), "int32")
        heads = [getattr(self, f"{branch}_head") for branch in self.branches]
        weights = ops.stack([ops.transpose(ops.take(head.kernel, labels, axis=1)) for head in heads], axis=1)
        # (height, parts): by how much a row counts in the mean of a part; every row gets the weights of its own.
        share = np.zeros((features.shape[1], len(heads)), "float32")
        for part, (first, last) in enumerate(rows_of_parts(features.shape[1], len(heads))):
            share[first:last, part] = 1 / (last - first)
        of_rows = ops.matmul(ops.convert_to_tensor(share), ops.cast(weights, "float32"))
        activation = ops.matmul(features, ops.expand_dims(of_rows, -1))
        return {**outputs, "alignment": activation[..., 0]}

    def default_loss(self):
        """Softmax on the parts, improved TriHard and attention alignment, each weighing 1 (Eq. 10, section 4.2).

        The alignment is a mean over identities and pairs, where the paper's Eq. 7 is a sum over identities: with P of
        them in a batch, `loss_weights={"alignment": P}`, and 1 for each of the others, weighs it as the paper does, and
        2·P where both orders of a pair count, as its a and b from 1 to K can be read.
        """
        losses = {branch: keras.losses.SparseCategoricalCrossentropy(from_logits=True) for branch in self.branches}
        if self._options["global_branch"]:
            losses["global_features"] = ImprovedTriHard()
        return {**losses, "alignment": AttentionCosineDistance()}

    def default_optimizer(self):
        """SGD as in section 4.2, "Training"."""
        return keras.optimizers.SGD(0.01, momentum=0.9)


def _attended(placement, blocks: Sequence[int]) -> list[str]:
    """Names of the blocks beside which attention stands, in the network's order."""
    names = [f"{stage}_block{n}" for stage, number in zip(STAGES, blocks, strict=True) for n in range(1, number + 1)]
    if isinstance(placement, int | np.integer) and not isinstance(placement, bool) and 0 <= placement <= len(names):
        return names[len(names) - placement :]
    if isinstance(placement, tuple) and all(stage in STAGES for stage in placement):
        return [name for name in names if name.split("_")[0] in placement]
    raise ReIDError(
        f"`placement` is a number of blocks, from 0 to {len(names)}, or some of {', '.join(STAGES)}. "
        f"Received: placement={placement!r}"
    )
