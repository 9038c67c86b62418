"""The networks of the papers, each a `ReIDModel` made of a backbone, attention blocks and heads."""

import importlib
import inspect
import sys
from typing import TYPE_CHECKING, Any

from keras_reid.errors import ReIDError, did_you_mean

if TYPE_CHECKING:
    from keras_reid.model import ReIDModel
    from keras_reid.networks.aanet import AANet
    from keras_reid.networks.aia_net import AiANet, BATNet
    from keras_reid.networks.apnet import APNet
    from keras_reid.networks.han import HAN

# Class -> module beside this one. Imported when first used: who asks for names waits for no Keras.
_CLASSES = {"AANet": "aanet", "APNet": "apnet", "AiANet": "aia_net", "BATNet": "aia_net", "HAN": "han"}

# Name in the zoo -> class and the options that make this variant of it.
_NETWORKS: dict[str, tuple[str, dict[str, Any]]] = {
    "han_small": ("HAN", {"size": "small"}),
    "han_medium": ("HAN", {"size": "medium"}),
    "han_large": ("HAN", {"size": "large"}),
    "bat_net": ("BATNet", {"kernel": "polynomial", "positions": (2,)}),
    "bat_net_without_aia": ("BATNet", {"kernel": "polynomial", "positions": (2,), "inner_attention": False}),
    "aia_net_linear": ("AiANet", {"kernel": "linear"}),
    "aia_net_polynomial": ("AiANet", {"kernel": "polynomial"}),
    "aia_net_gaussian": ("AiANet", {"kernel": "gaussian"}),
    "aia_net_video_linear": ("AiANet", {"kernel": "linear", "frames": 4}),
    "aia_net_video_polynomial": ("AiANet", {"kernel": "polynomial", "frames": 4}),
    "aia_net_video_gaussian": ("AiANet", {"kernel": "gaussian", "frames": 4}),
    "aanet": ("AANet", {}),
    "apnet_c": ("APNet", {"attention": "channel"}),
    "apnet_s": ("APNet", {"attention": "spatial", "input_shape": (256, 128, 3)}),
}

__all__ = ["HAN", "AANet", "APNet", "AiANet", "BATNet", "create", "names", "options", "variant"]


def __getattr__(name: str) -> Any:
    if name in _CLASSES:
        return getattr(importlib.import_module(f"{__name__}.{_CLASSES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)


def names() -> list[str]:
    """Names that `create` knows."""
    return list(_NETWORKS)


def options(name: str) -> dict[str, Any]:
    """The options that the network of that name has, with their defaults."""
    return {**_options(_class(name)), **_NETWORKS[name][1]}


def variant(name: str) -> dict[str, Any]:
    """The options that make the network of that name out of its class."""
    return dict(_NETWORKS[name][1])


def create(name: str, identities: int | None = None, **options: Any) -> "ReIDModel":
    """Build a network with random weights.

    Args:
        name: One of `names()`.
        identities: Number of training identities; adds one classifier a branch. Defaults to None: no heads.
        **options: Of the network's class, e.g. `input_shape=(80, 32, 3)` or `attention=("hard",)` for HAN.

    Raises:
        ReIDError: no network of that name, or an option it does not have.
    """
    if name not in _NETWORKS:
        raise ReIDError(f"There is no network '{name}'.{did_you_mean(name, _NETWORKS)} Known: {', '.join(_NETWORKS)}.")
    network = _class(name)
    known = _options(network)
    for option in options:
        if option not in (*known, "name", "trainable", "dtype"):
            raise ReIDError(
                f"The network '{name}' has no option '{option}'.{did_you_mean(option, known)} Its options: "
                f"{', '.join(known)}."
            )
    return network(**{"name": name, **_NETWORKS[name][1], **options}, identities=identities)


def _class(name: str) -> "type[ReIDModel]":
    return getattr(sys.modules[__name__], _NETWORKS[name][0])


def _options(network: "type[ReIDModel]") -> dict[str, Any]:
    # Of the class itself Python 3.11.2, which is Debian's, sees Keras' `__new__` where `__init__` is inherited.
    parameters = inspect.signature(network.__init__).parameters.items()
    others = ("self", "identities", "kwargs")
    return {option: parameter.default for option, parameter in parameters if option not in others}
