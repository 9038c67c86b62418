"""The one model class: an embedding network that knows how to be trained, asked and looked into."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_reid.data_format import channels_last
from keras_reid.errors import ReIDError
from keras_reid.files import atomically
from keras_reid.graph import Graph, heads, joined
from keras_reid.precision import precision


class ReIDModel(keras.Model):
    """An embedding network: pictures of people in, one vector of length 1 a picture out.

    A subclass is one network. It says in `graph` how features come from pictures; this class adds normalisation of the
    pixels, the embedding, one classifier a branch where `identities` is given, and what users call. The result is an
    ordinary functional Keras model: `summary`, `save`, `keras.models.load_model`, `save_weights`, `get_layer`,
    callbacks and use inside another model work as with any other.

    - `model(images)` is the embedding, whether training or not. Images are RGB, uint8 or float from 0 to 255.
    - `model({"images": images})`, a training batch, is what the losses need, a dict with `"<branch>"`, the classifier's
      logits, `"<branch>_features"`, what losses between pictures compare, before it is normalised, and what else the
      network's graph has for training alone.

    Args:
        options: What `graph` gets, among it "input_shape"; every entry is an argument of the subclass.
        identities: Number of training identities; adds one classifier a branch. Defaults to None: no heads.
        name: As for every Keras model.
        trainable: As for every Keras model. Defaults to True.
        dtype: The dtype policy to compute in, e.g. "mixed_bfloat16", also once saved and loaded. Defaults to None:
            `keras.config.dtype_policy()`.
    """

    # Training as the network's paper has it; subclasses override. Milestones are fractions of all epochs.
    milestones: tuple[float, ...] = ()
    # Whether each branch's feature is brought to length 1 before they are joined, or the whole alone.
    normalises_branches: bool = True
    # The layer whose map explanations are about where no other is named.
    last_map: str = "feature_map"

    def __init__(
        self,
        options: dict[str, Any],
        identities: int | None = None,
        name: str | None = None,
        trainable: bool = True,
        dtype: str | dict | keras.DTypePolicy | None = None,
    ):
        if identities is not None:
            if not isinstance(identities, int | np.integer) or isinstance(identities, bool) or identities < 1:
                raise ReIDError(
                    f"`identities` is the number of people to train on, at least 1. Received: {identities!r}"
                )
            identities = int(identities)
        options = {option: _plain(value) for option, value in options.items()}
        with precision(dtype), channels_last():
            images = keras.Input(options["input_shape"], name="images")
            features, maps, compared, training = Graph(*self.graph(options, self.pixels(options, images)))
            embedding = joined(features, self.normalises_branches)
            super().__init__(inputs=images, outputs=embedding, name=name, trainable=trainable)

        self._options = options
        self._branches = tuple(features)
        self._region_scales = {name: value[1] for name, value in maps.items() if isinstance(value, tuple)}
        tensors = {name: value[0] if isinstance(value, tuple) else value for name, value in maps.items()}
        compared = {f"{branch}_features": feature for branch, feature in {**features, **compared}.items()}
        self._training_shapes = {name: tuple(x.shape[1:]) for name, x in {**compared, **training}.items()}
        # A model, because a `Function` does not hand `training` on, which is lost where Keras calls `call` itself, as
        # its JAX trainer does; and of the model only its call: a model kept here would be saved a second time.
        self._features = keras.Model(images, {**features, **compared, **training}, name="features").__call__
        self._maps = keras.Function(images, {**tensors, **features}, name="maps")
        self.augmentation: keras.layers.Layer | None = None
        self._epochs = 0  # that `fit` has learnt from
        self.identities = identities
        if identities:
            for branch, head in heads(features, identities).items():
                setattr(self, f"{branch}_head", head)

    @staticmethod
    def pixels(options: dict[str, Any], images: keras.KerasTensor) -> keras.KerasTensor:
        """Pictures as the network's first layer takes them: from −1 to 1.

        Args:
            options: As the constructor got them.
            images: (batch, height, width, 3), from 0 to 255.
        """
        # A multiplication and a subtraction, not a `Rescaling` layer: preprocessing layers inside a network switch what
        # follows them into training mode.
        return images * (1 / 127.5) - 1.0

    @staticmethod
    def graph(options: dict[str, Any], images: keras.KerasTensor) -> Graph | tuple[dict, dict]:
        """Build the network.

        Args:
            options: As the constructor got them.
            images: (batch, height, width, 3), as `pixels` returns them.

        Returns:
            The branches' features, what `attention` shows, and what only training needs, see `Graph`.
        """
        raise NotImplementedError("a network defines graph(options, images); ReIDModel is none itself")

    def call(self, inputs, training=None, mask=None):
        self._check_size(inputs)
        if not isinstance(inputs, dict):
            return super().call(inputs, training=training, mask=mask)
        if self.identities is None:
            raise ReIDError(
                "The model has no identity heads to train. Build it with as many as there are people in the training "
                'set, e.g. keras_reid.zoo.load("han_small", identities=data.train.number_of_identities).'
            )
        images = ops.cast(inputs["images"], "float32")
        if training and self.augmentation is not None:
            images = self.augmentation(images, training=True)
        outputs = self._compared(images, training)
        logits = {branch: getattr(self, f"{branch}_head")(outputs[branch]) for branch in self._branches}
        return {**logits, **{name: ops.cast(outputs[name], "float32") for name in self._training_shapes}}

    def _compared(self, images, training) -> dict[str, Any]:
        """What classifiers and losses see of a training batch."""
        return self._features(images, training=training)

    def compute_output_spec(self, inputs, training=None, mask=None):
        self._check_size(inputs)
        if not isinstance(inputs, dict):
            return super().compute_output_spec(inputs, training=training, mask=mask)
        batch = inputs["images"].shape[0]
        shapes = {**dict.fromkeys(self._branches, (self.identities,)), **self._training_shapes}
        return {name: keras.KerasTensor((batch, *shape), dtype="float32") for name, shape in shapes.items()}

    def save_weights(self, filepath, overwrite=True, **kwargs):
        """As for every Keras model; and the file says the network's options, which `zoo.load` then takes up.

        One file on this machine is written whole or not at all.
        """
        from keras_reid.zoo.weights import note_options

        one_file = str(filepath).endswith(".weights.h5") and kwargs.get("max_shard_size") is None
        if not one_file or "://" in str(filepath):
            super().save_weights(filepath, overwrite, **kwargs)
        elif overwrite or not os.path.exists(os.path.expanduser(filepath)):
            with atomically(filepath) as new:
                super().save_weights(new, **kwargs)
                note_options(new, self._options)
        else:
            filepath = os.path.expanduser(filepath)
            before = os.stat(filepath).st_mtime_ns
            super().save_weights(filepath, overwrite, **kwargs)  # which asks whether to replace it
            if os.stat(filepath).st_mtime_ns != before:
                note_options(filepath, self._options)

    @property
    def input_spec(self):
        """None: besides pictures the model takes training batches, which Keras' check would turn away."""

    def _check_size(self, inputs) -> None:
        # A network of convolutions would compute something from pictures of any size.
        (images,) = keras.tree.flatten(inputs)
        expected, shape = tuple(self._options["input_shape"]), tuple(images.shape)
        if len(shape) != 4 or any(given not in (None, side) for given, side in zip(shape[1:], expected, strict=True)):
            raise ReIDError(
                f"The model takes pictures of shape {('batch', *expected)}. Received: {shape}. `embed` takes pictures "
                "of any size; elsewhere bring them to this one with keras_reid.data.resize."
            )

    @property
    def image_size(self) -> tuple[int, int]:
        """Height and width of the pictures the network takes."""
        return tuple(self._options["input_shape"][:2])

    @property
    def embedding_size(self) -> int:
        """Length of the embedding."""
        return self.output_shape[-1]

    @property
    def backbone(self) -> str | None:
        """Name of the network's backbone in `keras_reid.backbones`; None if it is not made of one."""
        return self._options.get("backbone")

    @property
    def branches(self) -> tuple[str, ...]:
        """Names of the branches, each with a feature and, for training, a classifier of its own."""
        return self._branches

    def get_config(self) -> dict[str, Any]:
        dtype = keras.dtype_policies.serialize(self.dtype_policy)
        of_keras = {"name": self.name, "trainable": self.trainable, "dtype": dtype}
        frozen = [number for number, layer in enumerate(self._parts()) if not layer.trainable]
        return {**self._options, "identities": self.identities, **of_keras, **({"frozen": frozen} if frozen else {})}

    @classmethod
    def from_config(cls, config, custom_objects=None):
        config = dict(config)
        frozen = config.pop("frozen", ())
        model = cls(**config)
        for number, layer in enumerate(model._parts() if frozen else ()):  # of which each sets those inside it, too
            layer.trainable = number not in frozen
        return model

    def _parts(self) -> list[keras.layers.Layer]:
        return list(self._flatten_layers(include_self=False))

    # Asking

    def embed(
        self,
        images,
        batch_size: int = 64,
        flip: bool = False,
        on_error: str = "raise",
        progress: bool = False,
    ) -> np.ndarray:
        """Embed pictures of any size.

        Args:
            images: One H×W×3 array (uint8, or float from 0 to 255), one path, a list of either, or an (N, H, W, 3)
                array.
            batch_size: Pictures a step; memory grows with it. Defaults to 64.
            flip: Whether to average over each picture and its mirror. Defaults to False.
            on_error: "raise", or "skip" to leave unreadable pictures out, with a warning that names them. Who needs to
                know which rows are whose reads the pictures first: `keras_reid.data.load_images` gives the places of
                those it could read.
            progress: Whether to show a progress bar. Defaults to False.

        Returns:
            (N, D) float32, rows of length 1, in the order of `images`.

        Raises:
            ReIDError: a picture cannot be read, or is no picture; or the network returns NaN.
        """
        from keras_reid.asking import embed

        return embed(self, images, batch_size, flip, on_error, progress)

    def attention(self, images, batch_size: int = 64) -> dict[str, np.ndarray]:
        """What the network looks at.

        Args:
            images: As for `embed`.
            batch_size: Pictures a step. Defaults to 64.

        Returns:
            By name, the first axis being the pictures: every branch's feature, e.g. "global"; and for each level
            those of its kinds that the network has: "level1.spatial" (N, h, w), "level1.channel" (N, c), "level1.soft"
            (N, h, w, c), or (N, 1, 1, c) without spatial attention, "level1.response" (N, h, w), the mean over channels
            of a map, and "level1.regions", (N, T, 4) as top, left, bottom, right in shares of the picture, which a
            region may leave. What a pyramid's own levels attend to stands beside their stage's: "level1.step2.channel".
        """
        from keras_reid.asking import attention

        return attention(self, images, batch_size)

    def evaluate_retrieval(
        self,
        data,
        batch_size: int = 64,
        flip: bool = False,
        rerank: bool = False,
        progress: bool = False,
        protocol: str | None = None,
    ) -> dict[str, float]:
        """Search every query of `data` in its gallery.

        Args:
            data: What `keras_reid.data.load` returns.
            batch_size: Pictures a step. Defaults to 64.
            flip: Whether to average over each picture and its mirror. Defaults to False.
            rerank: Whether to re-rank by k-reciprocal encoding. Defaults to False.
            progress: Whether to show a progress bar. Defaults to False.
            protocol: "standard", "multi_query", "tracklets" or "single_shot", see `keras_reid.evaluation.searchable`.
                Defaults to None: the data set's own.

        Returns:
            "rank1", "rank5", "rank10", "mAP" and "mINP", from 0 to 1; or what `keras_reid.evaluation.single_shot`
            returns.
        """
        from keras_reid.asking import evaluate_retrieval

        return evaluate_retrieval(self, data, batch_size, flip, rerank, progress, protocol)

    # Training

    @property
    def training_outputs(self) -> tuple[str, ...]:
        """Names that a training batch gives out and losses may be for: logits by branch, features, and what else."""
        own = [output for branch in self._branches for output in (branch, f"{branch}_features")]
        return tuple(dict.fromkeys([*own, *self._training_shapes]))

    def with_labels(self, labels, outputs: dict[str, Any]) -> dict[str, Any]:
        """A training batch's outputs as the losses get them: a network may let them depend on the labels.

        Args:
            labels: (batch,), identities from 0.
            outputs: What the model made of the batch, by `training_outputs`.
        """
        return outputs

    def default_optimizer(self) -> keras.optimizers.Optimizer:
        """The optimizer of the network's paper."""
        raise NotImplementedError("a network names its paper's optimizer")

    def default_loss(self) -> str | dict[str, Any]:
        """What `compile` takes where no loss is given: a name it knows, or a dict from outputs to losses."""
        return "cross_entropy"

    def compile(self, optimizer=None, loss=None, loss_weights=None, metrics=None, **kwargs) -> None:
        """Keras' `compile`, with the paper's optimizer and losses where none are given.

        Args:
            optimizer: As in Keras. Defaults to the paper's; its learning rate then falls at the paper's milestones,
                scaled to the number of epochs that `fit` gets.
            loss: "cross_entropy", "triplet", "five_triplets" or "cross_entropy+triplet" and the like, on every branch;
                or a dict from the names that a training batch gives out ("global", "global_features", …) to losses, as
                in Keras. Defaults to None: the network's paper's, `default_loss()`.
            loss_weights: As in Keras, by the same names.
            metrics: As in Keras. Defaults to the accuracy of every classifier.
            **kwargs: As in Keras.

        Raises:
            ReIDError: an unknown name of a loss or output, or a loss for no certain output.
        """
        from keras_reid.losses import branch_losses

        self._falls_at_milestones = optimizer is None
        loss = branch_losses(self.default_loss() if loss is None else loss, self._branches, self.training_outputs)
        if metrics is None:
            metrics = {branch: ["accuracy"] for branch in self._branches}
        optimizer = self.default_optimizer() if optimizer is None else optimizer
        super().compile(optimizer=optimizer, loss=loss, loss_weights=loss_weights, metrics=metrics, **kwargs)

    def get_compile_config(self) -> dict[str, Any]:
        config = super().get_compile_config()
        if not config:
            return config
        return {**config, "falls_at_milestones": self._falls_at_milestones, "epochs": self._epochs}

    def compile_from_config(self, config: dict[str, Any]) -> None:
        # Keras leaves a model whose `compile` is not its own uncompiled, and so the optimizer's state in the file.
        config = keras.saving.deserialize_keras_object(config)
        falls_at_milestones, epochs = config.pop("falls_at_milestones"), config.pop("epochs", 0)
        self.compile(**config)
        self._falls_at_milestones, self._epochs = falls_at_milestones, epochs
        self.optimizer.build(self.trainable_variables)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        if isinstance(y_pred, dict):
            y_pred = self.with_labels(y, y_pred)
        return super().compute_loss(x, _for_each(y, y_pred), y_pred, sample_weight, training)

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        return super().compute_metrics(x, _for_each(y, y_pred), y_pred, sample_weight)

    def fit(
        self,
        x=None,
        y=None,
        batch_size: int | None = None,
        epochs: int = 1,
        callbacks: Sequence[keras.callbacks.Callback] | None = None,
        validation_data=None,
        validation_freq: int = 1,
        **kwargs,
    ):
        """Keras' `fit`.

        Args:
            x: Batches, from `data.train.batches(…)`; or pictures, (N, height, width, 3), with their labels in `y`.
            y: Labels of the pictures, from 0 to `identities` − 1, where `x` is an array.
            batch_size: Where `x` is an array. Defaults to 32.
            epochs: As in Keras. Defaults to 1.
            callbacks: As in Keras.
            validation_data: A data set with query and gallery, as `keras_reid.data.load` returns it: retrieval is
                measured on it, and "val_rank1" and "val_mAP" stand in the logs.
            validation_freq: Epochs between two such measurements. Defaults to 1.
            **kwargs: As in Keras. Batches, augmentation and dropout follow from the batches' seed and the number of the
                epoch; a second `fit` counts on where the first has ended, one with `initial_epoch` from there. With
                `steps_per_epoch` an epoch goes on where the one before has ended, in an order that was drawn ahead, so
                that no two trainings are quite the same.

        Raises:
            ReIDError: the model has no heads, or fewer than there are identities; or `validation_data` is no data set.
        """
        from keras_reid.training.fitting import prepare, training_step

        exact = kwargs.get("initial_epoch") is not None
        batches, needed = prepare(self, x, y, batch_size, epochs, validation_data, validation_freq, exact)
        kwargs.setdefault("shuffle", False)  # already random, from the seed; Keras would use a global one
        kwargs["callbacks"] = [*needed, *keras.tree.flatten(callbacks or [])]
        with training_step(self, batches):
            return super().fit(batches, epochs=epochs, **kwargs)


def _for_each(labels, outputs):
    """The same labels for every output, which is how Keras pairs outputs with losses."""
    return dict.fromkeys(outputs, labels) if isinstance(outputs, dict) else labels


def _plain(value: Any) -> Any:
    """An option as weights files can note it: NumPy's numbers as Python's, in tuples too."""
    if isinstance(value, tuple):
        return tuple(map(_plain, value))
    return value.item() if isinstance(value, np.generic) else value
