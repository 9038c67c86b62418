"""HAN from random weights, and ResNet-50 networks from ImageNet's, with a contrastive loss, which learns from little.

Identity cross-entropy with smoothed targets, which HAN's paper has without smoothing, and the supervised contrastive
loss, both on every branch. HAN's weights do not depend on the size of the picture, and small pictures train several
times faster. They have to grow in steps: from 80×32 straight to 160×64 the global branch falls back to chance.
"""

import dataclasses
import functools

from keras_reid.training import Cosine, Recipe, Stage

# As cameras spoil pictures, see `han_large_robust`.
_SPOILT = {"flip": True, "crop": 0.06, "erasing": 0.5, "colour": 0.8, "blur": 0.0125, "noise": 0.1}


def han_rendered() -> Recipe:
    """Where the published HANs begin: HAN-S on small pictures of 2,800 rendered people.

    56,000 pictures, seven times, in about 50 minutes of two cores that have bfloat16 (which makes the 1×1 convolutions
    twice as fast there). The three go on from it, each from the one before, with classifiers that are imprinted. mAP on
    the people of WARD's `train` folder, of whom none was seen, then rises from .688 to .714 (S), .717 (M), .725 (L);
    with classifiers at random it fell to .609 in 188 steps. One more epoch of L lost there (.711), though rendered
    people went on to be found better (.889 to .891): from there on, it is `han_large_robust` that helps. Its figures
    were measured apart from these and are up to .015 lower for the same weights: compare within one docstring.

    keras-reid data render --identities 2800 --clothes download --out rendered
    keras-reid train --recipe han_rendered --data market1501:rendered --output runs/han_rendered --fast
    """
    stages = (
        Stage((80, 32, 3), epochs=6, learning_rate=3e-3),
        Stage((112, 45, 3), epochs=1, learning_rate=1.5e-3),
    )
    return _contrastive(
        "han_rendered",
        network=functools.partial(_any_han, "small"),
        data="market1501:rendered",
        stages=stages,
        identities=32,
        precision="mixed_bfloat16",
        evaluate_every=1,
    )


def han_small_rendered() -> Recipe:
    """Two more epochs of `han_rendered` at 112×45.

    keras-reid train --recipe han_small_rendered --data market1501:rendered --output runs/han_small_rendered --fast
    """
    return _grown("small", "han_rendered", Stage((112, 45, 3), epochs=2, learning_rate=1.5e-3))


def han_medium_rendered() -> Recipe:
    """HAN-M from HAN-S, whose weights have the same shapes; only the strides differ.

    keras-reid train --recipe han_medium_rendered --data market1501:rendered --output runs/han_medium_rendered --fast
    """
    return _grown("medium", "han_small_rendered", Stage((80, 32, 3), epochs=1, learning_rate=1.5e-3))


def han_large_rendered() -> Recipe:
    """HAN-L from HAN-M, in the same way.

    keras-reid train --recipe han_large_rendered --data market1501:rendered --output runs/han_large_rendered --fast
    """
    return _grown("large", "han_medium_rendered", Stage((80, 32, 3), epochs=2, learning_rate=1.5e-3))


def han_large_robust() -> Recipe:
    """The published HAN-L: one more epoch, in batches of few cameras, of pictures spoilt as cameras spoil them.

    Of HAN-S as it was, embeddings of WARD's training people showed what it lacked. Each camera's mean taken away, mAP
    rose from .705 to .829: the mistakes were strangers in the query's own camera. Pictures blurred by 0.9 pixels, it
    rose to .745; with noise of 4 and 16 of 255 it fell to .670 and .546. And 150 steps with the contrastive loss alone,
    of HAN-S on pictures of 80×32 (mAP of WARD's training people, of rendered test people):

    | batches | blur, noise | colour | WARD | rendered |
    | --- | --- | --- | --- | --- |
    | before them | | | .654 | .825 |
    | each person's cameras | none | .4 | .660 | .849 |
    | eight cameras | none | .4 | .676 | .842 |
    | each person's cameras | some | .4 | .686 | .834 |
    | eight cameras | some | .4 | .706 | .827 |
    | eight cameras | more | .4 | .720 | .813 |
    | eight cameras | some | .6 | .729 | .825 |
    | eight cameras | more | .8 | .739 | .801 |

    Some is a blur of up to a pixel and noise of up to 15 of 255, more noise of up to 25. This epoch took HAN-L from
    .710 to .783 on WARD's training people, and from .889 to .846 on rendered ones. Three more, by the same recipe, from
    the published weights: .780, as those weights measure, and .858.

    keras-reid train --recipe han_large_robust --data market1501:rendered --output runs/han_large_robust --fast
    """
    return _robust("large", "han_large_rendered", Stage((80, 32, 3), epochs=1, learning_rate=1.5e-3))


def han_medium_robust() -> Recipe:
    """The published HAN-M: from HAN-L, in the same way.

    keras-reid train --recipe han_medium_robust --data market1501:rendered --output runs/han_medium_robust --fast
    """
    return _robust("medium", "han_large_robust", Stage((80, 32, 3), epochs=1, learning_rate=1.5e-3))


def han_small_robust() -> Recipe:
    """The published HAN-S: from HAN-M, on pictures of 112×45.

    keras-reid train --recipe han_small_robust --data market1501:rendered --output runs/han_small_robust --fast
    """
    return _robust("small", "han_medium_robust", Stage((112, 45, 3), epochs=1, learning_rate=1.5e-3))


def plain_rendered() -> Recipe:
    """What HAN-S is worth beside a plain ResNet: the same pictures by the same recipes for as long; the first part.

    Its step is quicker (`benchmarks/steps.py` times them in turns), so that it sees the pictures 27 times where the
    chain from `han_rendered` to `han_small_robust` sees them 15 times.

    keras-reid train --recipe plain_rendered --data market1501:rendered --output runs/plain_rendered --fast
    """
    stages = (
        Stage((80, 32, 3), epochs=16, learning_rate=3e-3),
        Stage((112, 45, 3), epochs=5, learning_rate=1.5e-3),
    )
    return dataclasses.replace(han_rendered(), name="plain_rendered", network=_plain, stages=stages)


def plain_robust() -> Recipe:
    """The second part, as from `han_large_robust` to `han_small_robust`.

    On WARD's query and gallery, which `--data "market1501:rendered -> ward:/data/WARD"` measures: rank-1 .853 and
    mAP .796, HAN-S .813 and .801, HAN-M .880 and .807. With 15 epochs, as many as HAN's, it had come to .840 and .748.
    On WARD's training people, of whom none of the four has seen one, it is ahead: mAP .810, the published HANs .775
    (S), .759 (M) and .780 (L).

    keras-reid train --recipe plain_robust --data market1501:rendered --output runs/plain_robust --fast
    """
    stages = (
        Stage((80, 32, 3), epochs=4, learning_rate=1.5e-3),
        Stage((112, 45, 3), epochs=2, learning_rate=1.5e-3),
    )
    changes = {"name": "plain_robust", "network": _plain, "evaluate_every": 6}
    return dataclasses.replace(_robust("small", "plain_rendered", *stages), **changes)


def apnet_c_rendered() -> Recipe:
    """APNet-C from ImageNet weights on 2,800 rendered people.

    After 187 steps on pictures of 80×32 of the first 600 people (mAP of WARD's training people, of rendered test
    people):

    | losses | rate | pyramids | WARD | rendered |
    | --- | --- | --- | --- | --- |
    | the paper's: batch-hard triplets | 3.5e-4 | 2 levels | .108 | .044 |
    | contrastive | 3.5e-4 | 2 levels | .407 | .211 |
    | contrastive | 3.5e-4 | none | .400 | .243 |
    | contrastive | 1e-3 | 2 levels | .411 | .295 |

    To its end in float32, an hour an epoch of two cores: mAP .809 on rendered test people, .700 on WARD's training
    people, where the published HANs have .759 to .780 with an eighth of the weights; rank-1 .787 and mAP .741 on WARD's
    query and gallery. It was to be published if it came to more than HAN-L, so it is not.

    keras-reid train --recipe apnet_c_rendered --data market1501:rendered --output runs/apnet_c_rendered --fast
    """
    return _from_imagenet("apnet_c")


def aanet_rendered() -> Recipe:
    """AANet from ImageNet weights on 2,800 rendered people, with the settings of `apnet_c_rendered`.

    The contrastive loss is on the global branch, in place of the triplets. Never run to its end.

    keras-reid train --recipe aanet_rendered --data market1501:rendered --output runs/aanet_rendered --fast
    """
    return dataclasses.replace(_from_imagenet("aanet"), loss=_aanet_losses)


def han_small_people() -> Recipe:
    """HAN-S on the bundled pictures alone, 480 of 48 rendered people.

    keras-reid train --recipe han_small_people --data people --output runs/han_small_people
    """
    return _contrastive("han_small_people")


def han_small_ward() -> Recipe:
    """HAN-S on the 25 people that WARD's `train` folder holds, from random weights, on pictures of 80×32.

    keras-reid train --recipe han_small_ward --data ward:/data/WARD --output runs/han_small_ward
    """
    return _contrastive("han_small_ward", data="ward", stages=(Stage((80, 32, 3), epochs=30, learning_rate=2e-3),))


def han_small_ward_tuned() -> Recipe:
    """The published HAN-S fine-tuned on WARD's 25 training identities.

    keras-reid train --recipe han_small_ward_tuned --data ward:/data/WARD --output runs/han_small_ward_tuned
    """
    return _tuned("small", (112, 45, 3))


def han_medium_ward_tuned() -> Recipe:
    """The published HAN-M fine-tuned on WARD's 25 training identities.

    keras-reid train --recipe han_medium_ward_tuned --data ward:/data/WARD --output runs/han_medium_ward_tuned
    """
    return _tuned("medium", (80, 32, 3))


def han_large_ward_tuned() -> Recipe:
    """The published HAN-L fine-tuned on WARD's 25 training identities.

    keras-reid train --recipe han_large_ward_tuned --data ward:/data/WARD --output runs/han_large_ward_tuned
    """
    return _tuned("large", (80, 32, 3))


def _any_han(size: str, **options):
    """HAN under a name of no network: files say the name, and those of one size are refused by the others."""
    from keras_reid import networks

    return networks.HAN(size, name="han", **options)


def _plain(**options):
    """HAN-S's global branch alone, of residual units, without attention."""
    from keras_reid import networks

    return networks.HAN("small", attention=(), branches=("global",), unit="residual", name="plain", **options)


def _grown(size: str, source: str, *stages: Stage) -> Recipe:
    """One HAN from the weights of another's training, under a name of no network, as in `_any_han`."""
    return _contrastive(
        f"han_{size}_rendered",
        network=functools.partial(_any_han, size),
        weights=f"runs/{source}/{source}.weights.h5",
        imprints=True,
        data="market1501:rendered",
        stages=stages,
        identities=32,
        precision="mixed_bfloat16",
        evaluate_every=1,
    )


def _robust(size: str, source: str, *stages: Stage) -> Recipe:
    return dataclasses.replace(
        _grown(size, source, *stages),
        name=f"han_{size}_robust",
        batch_cameras=8,
        augmentation=_SPOILT,
    )


def _from_imagenet(network: str) -> Recipe:
    return _contrastive(
        f"{network}_rendered",
        network=network,
        weights="imagenet",
        data="market1501:rendered",
        stages=(Stage((96, 48, 3), epochs=2, learning_rate=1e-3),),
        batch_cameras=8,
        augmentation=_SPOILT,
        precision="mixed_bfloat16",
        evaluate_every=1,
    )


def _tuned(size: str, input_shape: tuple[int, int, int]) -> Recipe:
    """A published HAN on a few real people: as it was trained, at a rate that does not undo what it has learnt."""
    return _contrastive(
        f"han_{size}_ward_tuned",
        network=f"han_{size}",
        weights="published",
        imprints=True,
        data="ward",
        stages=(Stage(input_shape, epochs=12, learning_rate=5e-4),),
        evaluate_every=4,
    )


def _contrastive(name: str, **changes) -> Recipe:
    recipe = Recipe(
        name=name,
        network="han_small",
        stages=(
            Stage((80, 32, 3), epochs=60, learning_rate=2e-3),
            Stage((112, 45, 3), epochs=20, learning_rate=1.5e-3),
            Stage((160, 64, 3), epochs=30, learning_rate=1e-3),
        ),
        identities=16,
        images=4,
        augmentation={"flip": True, "crop": 0.06, "erasing": 0.5, "colour": 0.4},
        loss=_losses,
        optimizer=_adamw,
        schedule=Cosine(warm_up=0.05),
        evaluate_every=10,
    )
    return dataclasses.replace(recipe, **changes)


def _losses(branches):
    from keras_reid.losses import SmoothedCrossEntropy, SupervisedContrastive

    losses = {}
    for branch in branches:
        losses[branch] = SmoothedCrossEntropy(0.1)
        # HAN's features are batch-normalised: from random weights, directly behind a ReLU, it stays at chance. APNet's
        # are means behind a ReLU, before the neck, and learn, from ImageNet weights (`apnet_c_rendered`).
        losses[f"{branch}_features"] = SupervisedContrastive(0.1)
    return losses


def _aanet_losses(branches):
    from keras_reid.losses import AttentionCosineDistance, SmoothedCrossEntropy, SupervisedContrastive

    parts = {branch: SmoothedCrossEntropy(0.1) for branch in branches}
    return {**parts, "global_features": SupervisedContrastive(0.1), "alignment": AttentionCosineDistance()}


def _adamw(rate):
    import keras

    return keras.optimizers.AdamW(rate, weight_decay=5e-4)
