"""What Keras may meet in a saved model of this package, and where it is, so that it is imported when a model needs it.

Keras looks a saved class up among those that have been registered, which an import of its module would do. The whole
package would then have to be imported, and Keras with it, wherever a part of it is used.
"""

import importlib
import importlib.abc
import importlib.util
import sys
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

MODULES = {
    "data.augmentation": ("Augmentation", "RandomBlur", "RandomNoise", "RandomShift", "RandomWhiteBalance"),
    "layers.attention_in_attention": ("AttentionInAttention",),
    "layers.attention_pyramid": ("AttentionPyramid",),
    "layers.batch_normalization": ("BatchNormalization",),
    "layers.channel_attention": ("ChannelAttention",),
    "layers.foreground_channel_attention": ("ForegroundChannelAttention",),
    "layers.hard_attention": ("HardAttention",),
    "layers.harmonious_attention": ("HarmoniousAttention",),
    "layers.multiscale_spatial_attention": ("MultiscaleSpatialAttention",),
    "layers.non_local": ("NonLocal",),
    "layers.omni_foreground_attention": ("OmniForegroundAttention",),
    "layers.pointwise_embedding": ("PointwiseEmbedding",),
    "layers.random_fourier_features": ("RandomFourierFeatures",),
    "layers.region_crop": ("RegionCrop",),
    "layers.relation_aware_attention": ("RelationAwareAttention",),
    "layers.second_order_pooling": ("SecondOrderPooling",),
    "layers.soft_attention": ("SoftAttention",),
    "layers.spatial_attention": ("SpatialAttention",),
    "layers.squeeze_excite": ("SqueezeExcite",),
    "losses.attention_cosine": ("AttentionCosineDistance",),
    "losses.contrastive": ("SupervisedContrastive",),
    "losses.cross_entropy": ("SmoothedCrossEntropy",),
    "losses.improved_triplet": ("ImprovedTriHard",),
    "losses.triplet": ("BatchHardTriplet",),
    "networks.aanet": ("AANet",),
    "networks.aia_net": ("AiANet", "BATNet"),
    "networks.apnet": ("APNet",),
    "networks.han": ("HAN",),
}


class Later:
    """Stands for a class of the package until Keras makes an object of it."""

    def __init__(self, module: str, name: str) -> None:
        self.module, self.name = module, name

    def from_config(self, config: dict[str, Any]) -> Any:
        # Imported, the class is registered itself, in this one's place.
        return getattr(importlib.import_module(f"keras_reid.{self.module}"), self.name).from_config(config)


def register() -> None:
    """Tell Keras, now if it is imported, else as soon as it is."""
    if "keras" in sys.modules:
        _register()
    else:
        sys.meta_path.insert(0, _WhenImported())


def _register() -> None:
    import keras

    known = keras.saving.get_custom_objects()
    for module, names in MODULES.items():
        for name in names:
            known.setdefault(f"keras_reid>{name}", Later(module, name))


class _WhenImported(importlib.abc.MetaPathFinder):
    """Finds Keras as it is found without this, and has what it is found by register when Keras has run."""

    def find_spec(self, fullname: str, path: Any = None, target: ModuleType | None = None) -> ModuleSpec | None:
        if fullname != "keras":
            return None
        sys.meta_path.remove(self)
        try:
            spec = importlib.util.find_spec(fullname)
        finally:
            sys.meta_path.insert(0, self)  # who asks may not import it, as TensorFlow does not
        if spec is not None and spec.loader is not None:
            execute = spec.loader.exec_module

            def then_register(module: ModuleType) -> None:
                execute(module)
                sys.meta_path.remove(self)
                _register()

            spec.loader.exec_module = then_register  # type: ignore[method-assign]
        return spec
