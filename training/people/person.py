"""A whole person: body, clothes, hair, belongings, and the way it walks."""

from dataclasses import dataclass

import numpy as np

from .assets import Assets
from .belongings import add_bag, add_scarf
from .bodies import random_body
from .dressing import Dressing
from .extremities import add_hair_and_hat, add_shoes
from .materials import skin_and_hair
from .meshes import Mesh
from .poses import Gait, random_gait
from .wardrobe import add_coat, add_top_and_legs, random_coat_kind


@dataclass(frozen=True)
class Person:
    """Somebody to draw.

    Attributes:
        mesh: Body, clothes and belongings at rest.
        joints: Where each bone begins.
        outfit: A record of `outfit.OUTFIT`, (1,).
        materials: Records of `outfit.MATERIAL`.
        gait: How the person walks.
        holding: The hand that carries something, "l" or "r", or None.
        facts: What the table of truths says about the person.
    """

    mesh: Mesh
    joints: dict[str, np.ndarray]
    outfit: np.ndarray
    materials: np.ndarray
    gait: Gait
    holding: str | None
    facts: dict[str, object]


def random_person(assets: Assets, random: np.random.Generator) -> Person:
    """Somebody who does not exist; the same for the same state of `random` and the same assets."""
    body = random_body(assets, random)
    age = float(body.facts["age"])
    dressing = Dressing(assets, body, random)
    skin_and_hair(dressing.materials, age, random)
    coat = random_coat_kind(random)
    add_top_and_legs(dressing, coat)
    if coat:
        add_coat(dressing, coat)
    add_shoes(dressing)
    add_hair_and_hat(dressing)
    if random.random() < (0.22 if coat else 0.05):
        add_scarf(dressing)
    holding = add_bag(dressing)
    dressing.add_body()
    return Person(
        mesh=dressing.builder.mesh(),
        joints=body.joints,
        outfit=dressing.outfit(),
        materials=dressing.materials.records,
        gait=random_gait(random, age),
        holding=holding,
        facts=dressing.facts,
    )
