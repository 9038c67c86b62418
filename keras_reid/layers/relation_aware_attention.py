"""Relation-aware spatial attention, RGA-S, as APNet uses it (Chen et al., section III-B; Zhang et al., RGA, 2020)."""

import keras
from keras import ops

from keras_reid.errors import ReIDError
from keras_reid.layers.arguments import check_count, check_map
from keras_reid.layers.batch_normalization import BatchNormalization
from keras_reid.layers.composed import composed
from keras_reid.layers.pointwise_embedding import PointwiseEmbedding


@keras.saving.register_keras_serializable(package="keras_reid")
class RelationAwareAttention(keras.layers.Layer):
    """A map times one weight a position, from the position's relations to all others.

    Two embeddings θ and φ of every position, 1×1 convolutions to channels / reduction, give the affinity
    r_pq = θ(f_p)·φ(f_q) of each two of the N = height · width positions. What position p knows is its row and its
    column of that matrix, narrowed from 2N to N / reduction values, with the mean over the channels of a third
    embedding g before them; two 1×1 convolutions, down by `reduction` and to 1, and a sigmoid make the mask of it.

    Batch normalisation follows every convolution, and ReLU all but the last: APNet leaves the details to RGA, which
    says so of θ, φ, g and of both last convolutions. No softmax is taken of the affinities. The mask starts near the
    constant 0.88, which neither paper asks for: the last normalisation has scale 0.1 and offset 2.

    The number of positions is part of the weights, so a trained layer takes maps of one size only.

    Example:
        >>> attention = keras_reid.layers.RelationAwareAttention()
        >>> attention(keras.random.normal((2, 16, 8, 256))).shape
        (2, 16, 8, 256)

    Args:
        reduction: By how much the embeddings, the relations and the last layer but one are narrower than what they
            read; none becomes narrower than 1. Defaults to 8.
        momentum: Of the moving statistics of the batch normalisation. Defaults to 0.9.
        synchronized: Whether the batch normalisation takes its statistics from all replicas. Defaults to False.

    Input: (batch, height, width, channels) of known size.
    Output: Of the input's shape. `mask(inputs)` is the mask alone, (batch, height, width, 1).

    Raises:
        ReIDError: `reduction` is no whole number above 0, or the input is no feature map of known size.

    Source: Chen et al.: Person Re-identification via Attention Pyramid, section III-B, Eq. 4; Zhang et al.:
        Relation-Aware Global Attention for Person Re-identification, 2020.
    """

    def __init__(self, reduction: int = 8, momentum: float = 0.9, synchronized: bool = False, **kwargs):
        super().__init__(**kwargs)
        check_count("RelationAwareAttention", reduction=reduction)
        self.reduction = int(reduction)
        self.momentum = momentum
        self.synchronized = synchronized

    @composed
    def build(self, input_shape):
        check_map("RelationAwareAttention", input_shape)
        _, height, width, channels = input_shape
        if None in (height, width):
            raise ReIDError(
                "RelationAwareAttention expects a map of known height and width: its weights depend on both. "
                f"Received: shape={tuple(input_shape)}"
            )
        positions = height * width
        narrow, relations = max(1, channels // self.reduction), max(1, positions // self.reduction)
        squeezed = max(1, (1 + relations) // self.reduction)
        self.theta = self._embedding("theta", channels, narrow, positions)
        self.phi = self._embedding("phi", channels, narrow, positions)
        self.embedded = self._embedding("embedded", channels, narrow, positions)
        self.relations = self._embedding("relations", 2 * positions, relations, positions)
        self.squeeze = self._embedding("squeeze", 1 + relations, squeezed, positions)
        self.weigh = keras.layers.Conv2D(
            1, 1, use_bias=False, kernel_initializer="he_normal", dtype=self.dtype_policy, name="weigh"
        )
        self.weigh_norm = BatchNormalization(
            momentum=self.momentum, synchronized=self.synchronized, dtype=self.dtype_policy, name="weigh_norm",
            gamma_initializer=keras.initializers.Constant(0.1), beta_initializer=keras.initializers.Constant(2.0),
        )  # fmt: skip
        self.weigh.build((None, positions, 1, squeezed))
        self.weigh_norm.build((None, positions, 1, 1))

    def _embedding(self, name, channels, filters, positions):
        """Of every position by itself, over (batch, positions, 1, channels)."""
        embedding = PointwiseEmbedding(
            filters, momentum=self.momentum, synchronized=self.synchronized, dtype=self.dtype_policy, name=name
        )
        embedding.build((None, positions, 1, channels))
        return embedding

    def mask(self, inputs, training=None):
        """The weights of the positions, (batch, height, width, 1); of a layer that has been built."""
        _, height, width, channels = inputs.shape
        positions = height * width
        nodes = ops.reshape(inputs, (-1, positions, 1, channels))

        theta, phi, embedded = (
            embedding(nodes, training=training) for embedding in (self.theta, self.phi, self.embedded)
        )
        affinity = ops.matmul(theta[:, :, 0], ops.transpose(phi[:, :, 0], (0, 2, 1)))  # r_pq, (batch, p, q)
        relations = ops.concatenate([affinity, ops.transpose(affinity, (0, 2, 1))], axis=-1)
        relations = self.relations(ops.expand_dims(relations, 2), training=training)
        known = ops.concatenate([ops.mean(embedded, axis=-1, keepdims=True), relations], axis=-1)
        weights = self.weigh(self.squeeze(known, training=training))
        mask = ops.sigmoid(self.weigh_norm(weights, training=training))  # Eq. 4
        return ops.reshape(mask, (-1, height, width, 1))

    def call(self, inputs, training=None):
        return inputs * self.mask(inputs, training=training)

    def compute_output_shape(self, input_shape):
        return tuple(input_shape)

    def get_config(self):
        return {
            **super().get_config(),
            "reduction": self.reduction,
            "momentum": self.momentum,
            "synchronized": self.synchronized,
        }
