"""What the papers print about the cost of their networks: the rows of the fidelity table, as data."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Quantity = Literal["FLOPs", "FLOPs and BN", "FLOPs as run", "parameters", "weights"]


@dataclass(frozen=True)
class Figure:
    """One printed figure and what of ours it is about.

    Attributes:
        network: Name for `networks.create`.
        block: What the figure is about, for people.
        quantity: "FLOPs": multiply-adds, counted once, of the network in the paper's form (`in_the_papers_form`);
            "FLOPs and BN": those, and two for each value that batch normalisation gives out, as PyTorch-OpCounter
            counts; "FLOPs as run": of what is really computed; "parameters": all of them; "weights": of convolutions
            and dense layers, neither biases nor normalisation.
        paper: The figure.
        source: Where it is printed.
        tolerance: Largest relative deviation that counts as agreement; 0 is exact. None: shown for information, since
            the paper leaves something open that the figure depends on.
        options: Of the network.
        parts: Names of the layers that the figure is about. Empty: the whole network.
        unit: What the last printed digit counts, where agreement is to round to the figure; instead of `tolerance`.
        less: Options of the same network whose cost is to be taken off, for figures that are an increase.
    """

    network: str
    block: str
    quantity: Quantity
    paper: float
    source: str
    tolerance: float | None
    options: Mapping[str, Any] = field(default_factory=dict)
    parts: tuple[str, ...] = ()
    unit: float | None = None
    less: Mapping[str, Any] | None = None


HAN_FLOPS = {"han_small": 3.68e8, "han_medium": 5.33e8, "han_large": 7.01e8}  # Table 1
# Table 5: number of attention modules -> FLOPs, parameters. Those of the network without attention include classifiers,
# so what counts is the increase; from nine modules on it is for information, see `AANet`.
AANET = {
    0: (9.2e9, 29.8e6),
    3: (10.9e9, 37.2e6),
    6: (11.4e9, 39.6e6),
    9: (12.1e9, 43.2e6),
    13: (13.0e9, 43.9e6),
    16: (13.6e9, 44.1e6),
}
APNET_C = {0: 6.23e9, 1: 6.23e9, 2: 6.24e9, 3: 6.25e9}  # Table III: levels -> FLOPs, at 224×224
_STRIDE_IN_3X3 = {"backbone": "resnet50_v1.5"}  # the layout that the papers' figures are of
HAN_UNITS = {"inception": 1.09e9, "residual": 1.34e9}  # Table 12; kinds of unit, without their widths


# What Tables 3 and 8 of AiA-Net's paper print of one attention block behind 480×(16×8) features.
AIA_BLOCKS: tuple[tuple[str, str, Mapping[str, Any], Quantity, float, float, str], ...] = (
    ("aia_net_linear", "r=4", {"reduction": 4}, "FLOPs", 0.015e9, 0.001e9, "AiA Table 8"),
    ("aia_net_linear", "r=4", {"reduction": 4}, "parameters", 0.18e6, 0.01e6, "AiA Table 8"),
    ("aia_net_polynomial", "r=8", {"reduction": 8}, "FLOPs", 0.117e9, 0.001e9, "AiA Table 8"),
    ("aia_net_polynomial", "r=8", {"reduction": 8}, "parameters", 1.79e6, 0.01e6, "AiA Table 8"),
    ("aia_net_gaussian", "r=4, c'=480", {"reduction": 4, "features": 480}, "FLOPs", 0.044e9, 0.001e9, "AiA Table 8"),
    ("aia_net_gaussian", "r=4, c'=480", {"reduction": 4, "features": 480}, "parameters", 0.58e6, 0.01e6, "AiA Table 8"),
    (
        "aia_net_linear",
        "r=4, without AiA",
        {"reduction": 4, "inner_attention": False},
        "parameters",
        0.12e6,
        0.01e6,
        "AiA Table 3",
    ),
)


def _aia_block(
    network: str,
    what: str,
    options: Mapping[str, Any],
    quantity: Quantity,
    paper: float,
    unit: float,
    source: str,
) -> Figure:
    """The attention behind block 2, in the appearance extractor alone: the smallest network that has it."""
    options = {**options, "positions": (2,), "branches": ("appearance",)}
    return Figure(network, f"attention, {what}", quantity, paper, source, None, options, ("level2.attention",), unit)


def _attention_weights(level: int, width: int, regions: int = 4) -> list[Figure]:
    """What section 3.2 says of the harmonious attention module behind `width` channels."""
    return [
        Figure(
            "han_small",
            f"level {level} {block}",
            "weights",
            weights,
            source,
            0,
            parts=(f"level{level}.attention/{part}",),
        )
        for block, part, weights, source in (
            ("spatial attention", "soft/spatial", 10, "HAN 3.2 (i)"),
            ("channel attention", "soft/channel", 2 * width**2 // 16, "HAN 3.2 (ii), 2c²/r"),
            ("soft attention, 1×1 conv", "soft/blend", width**2, "HAN 3.2 (ii), c²"),
            ("hard attention", "hard", 2 * regions * width, "HAN 3.2 (II), 2Tc"),
        )
    ]


def _aanet() -> list[Figure]:
    """Table 5: FLOPs of the whole, and what the attention adds to the parameters."""
    options = {modules: {**_STRIDE_IN_3X3, "placement": modules} for modules in AANET}
    whole = [
        Figure("aanet", f"{modules} OFA", "FLOPs", flops, "AANet Table 5", 0.03, options=options[modules])
        for modules, (flops, _) in AANET.items()
    ]
    increase = [
        Figure(
            "aanet",
            block,
            "parameters",
            AANET[modules][1] - AANET[without][1],
            "AANet Table 5",
            tolerance,
            options=options[modules],
            less=options[without],
        )
        for block, modules, without, tolerance in (
            ("OFA of conv5", 3, 0, 0.05),
            ("OFA of conv4's last 3", 6, 3, 0.05),
            ("6 OFA", 6, 0, 0.05),
            ("9 OFA", 9, 0, None),
            ("13 OFA", 13, 0, None),
            ("16 OFA", 16, 0, None),
        )
    ]
    return whole + increase


FIGURES: tuple[Figure, ...] = (
    *(Figure(name, "network", "FLOPs", flops, "HAN Table 1", 0.01) for name, flops in HAN_FLOPS.items()),
    *(Figure(name, "network", "FLOPs as run", flops, "HAN Table 1", None) for name, flops in HAN_FLOPS.items()),
    *(
        Figure("han_large", f"{unit} units", "FLOPs", flops, "HAN Table 12", None, options={"unit": unit})
        for unit, flops in HAN_UNITS.items()
    ),
    *_attention_weights(1, 128),
    *_attention_weights(2, 256),
    *_attention_weights(3, 384),
    *_aanet(),
    *(
        Figure(
            "apnet_c",
            f"{levels} levels",
            "FLOPs and BN",
            flops,
            "APNet Table III",
            0.005,
            options={**_STRIDE_IN_3X3, "input_shape": (224, 224, 3), "levels": levels},
        )
        for levels, flops in APNET_C.items()
    ),
    *(_aia_block(*block) for block in AIA_BLOCKS),
    # F_a + F_p without attention, for information: see `AiANet`.
    Figure("aia_net_linear", "F_a + F_p", "FLOPs", 2.82e9, "AiA Table 8", None, {"positions": ()}),
    Figure("aia_net_linear", "F_a + F_p", "parameters", 30.16e6, "AiA Table 8", None, {"positions": ()}),
)
