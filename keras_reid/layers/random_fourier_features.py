"""Random Fourier features of every position (Fang et al., AiA, section 3.3)."""

import math

import keras
import numpy as np
from keras import ops

from keras_reid.errors import ReIDError
from keras_reid.layers.arguments import check_count, check_map

FORMS = ("cosine", "cosine_sine")


@keras.saving.register_keras_serializable(package="keras_reid")
class RandomFourierFeatures(keras.layers.Layer):
    """Features whose inner product approximates the Gaussian kernel exp(−‖x̄ − ȳ‖² / 2σ²) (Eq. 13).

    The error falls as 1/√features. Frequencies ω are drawn once from N(0, 1/σ²) (Eq. 15), from `seed`, the same on
    every backend; they are stored with the weights and never trained. There are two forms:

    - "cosine": √(2/c′) · cos(ωᵀx̄ + b), with c′ = `features` phases b drawn from [0, 2π) as well. c′ outputs.
    - "cosine_sine": √(1/c′) · [cos(ωᵀx̄); sin(ωᵀx̄)], which the paper writes (Eq. 14). 2c′ outputs.

    The parameters and FLOPs that the paper prints for the Gaussian attention (Table 8) can only come from c′ outputs,
    so the first is the default.

    The features are computed in float32 under every dtype policy: half precision would be lost in the phase, which goes
    round several times.

    Example:
        >>> keras_reid.layers.RandomFourierFeatures(480)(keras.random.normal((2, 16, 8, 120))).shape
        (2, 16, 8, 480)

    Args:
        features: Number of frequencies, c′. Defaults to 480 (section 4.4).
        form: "cosine" or "cosine_sine". Defaults to "cosine".
        sigma: σ, the width of the kernel. Defaults to 1, as p(ω) is written in Eq. 15.
        seed: Of frequencies and phases. Defaults to 0.

    Input: (batch, height, width, channels).
    Output: (batch, height, width, features), or twice as many with "cosine_sine".

    Raises:
        ReIDError: an argument is none of the above, or the input is no feature map.

    Source: Fang et al.: Attention in Attention Networks for Person Retrieval, section 3.3, Eq. 13 to 16; Rahimi, Recht:
        Random Features for Large-Scale Kernel Machines, 2007, Algorithm 1.
    """

    def __init__(self, features: int = 480, form: str = "cosine", sigma: float = 1.0, seed: int = 0, **kwargs):
        # Without autocast inputs keep their precision, as the weights do.
        super().__init__(**{"autocast": False, **kwargs})
        check_count("RandomFourierFeatures", features=features)
        if form not in FORMS:
            raise ReIDError(f"RandomFourierFeatures expects `form` out of {FORMS}. Received: form={form!r}")
        if not isinstance(sigma, int | float) or not 0 < sigma < math.inf:
            raise ReIDError(f"RandomFourierFeatures expects `sigma` to be a positive number. Received: sigma={sigma!r}")
        if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
            raise ReIDError(
                f"RandomFourierFeatures expects `seed` to be a whole number of at least 0. Received: seed={seed!r}"
            )
        self.features = int(features)
        self.form = form
        self.sigma = float(sigma)
        self.seed = int(seed)

    def build(self, input_shape):
        check_map("RandomFourierFeatures", input_shape)
        draw = np.random.default_rng(self.seed)  # not Keras' generators, which differ from backend to backend
        frequencies = draw.normal(0, 1 / self.sigma, (1, 1, input_shape[-1], self.features))
        phases = draw.uniform(0, 2 * math.pi, self.features)
        self.frequencies = self._constant("frequencies", frequencies)
        self.phases = self._constant("phases", phases) if self.form == "cosine" else None

    def _constant(self, name: str, values: np.ndarray):
        return self.add_weight(
            shape=values.shape,
            initializer=lambda shape, dtype=None: ops.convert_to_tensor(values.astype("float32"), dtype=dtype),
            dtype="float32",  # under every policy
            trainable=False,
            autocast=False,
            name=name,
        )

    def call(self, inputs):
        # A 1×1 convolution and no matrix product: it is what mobile runtimes compute fast, and in integers.
        angles = ops.conv(ops.cast(inputs, "float32"), self.frequencies, padding="valid", data_format="channels_last")
        if self.form == "cosine":
            found = math.sqrt(2 / self.features) * ops.cos(angles + self.phases)
        else:
            found = math.sqrt(1 / self.features) * ops.concatenate([ops.cos(angles), ops.sin(angles)], axis=-1)
        return ops.cast(found, self.compute_dtype)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.features * (1 if self.form == "cosine" else 2))

    def compute_output_spec(self, inputs):
        return keras.KerasTensor(self.compute_output_shape(inputs.shape), dtype=self.compute_dtype)

    def get_config(self):
        return {
            **super().get_config(),
            "features": self.features,
            "form": self.form,
            "sigma": self.sigma,
            "seed": self.seed,
        }
