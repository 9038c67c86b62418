"""Random bodies: MakeHuman's shape targets mixed by sex, age, build, height and proportions."""

from dataclasses import dataclass

import numpy as np

from .assets import Assets


@dataclass(frozen=True)
class Body:
    """A body at rest: arms half down, standing on y = 0, facing +z; metres.

    Attributes:
        vertices: Of the base mesh, (V, 3).
        joints: Where each bone begins, (B, 3).
        facts: Sex, age and build, for the table of truths.
    """

    vertices: np.ndarray
    joints: dict[str, np.ndarray]
    facts: dict[str, float | str]

    @property
    def height(self) -> float:
        """From the ground to the crown."""
        return float(self.facts["height"])


def random_body(assets: Assets, random: np.random.Generator) -> Body:
    """A body as one meets them: most of them adults, all weights and heights."""
    male = random.random() < 0.55
    # 0 is a child of about ten years, 1 a young adult, 2 an old one; most are in between the last two.
    age = random.uniform(0.45, 0.95) if random.random() < 0.08 else 1 + float(np.clip(random.beta(1.1, 1.8), 0, 1))
    ethnicity = random.dirichlet([0.4, 0.25, 0.25])
    muscle = float(np.clip(random.normal(0.0 if male else -0.15, 0.4), -1, 1))
    weight = float(np.clip(random.normal(0.02, 0.42), -1, 1))
    # The target that makes people taller does twice as much as the one that makes them shorter.
    height = float(np.clip(random.normal(0, 0.16), -0.5, 0.5))
    height *= 0.75 if height > 0 else 1.4
    proportions = float(random.uniform(-1, 1))
    shares = _shares("male" if male else "female", age, ethnicity, muscle, weight, height, proportions)
    vertices = assets.vertices.copy()
    for name, share in shares.items():
        place = assets.target_index.get(name)  # not every combination has a target
        if place is not None and share > 1e-3:
            vertices += np.float32(share) * assets.targets[place]
    used = assets.corners["body"]
    vertices[:, 1] -= vertices[used, 1].min()
    joints = {bone: vertices[corners].mean(axis=0) for bone, corners in zip(assets.bones, assets.heads, strict=True)}
    facts = {
        "sex": "male" if male else "female",
        # What MakeHuman calls a child is about ten years old, young is 25 and old is 90.
        "age": round(10 + 15 * age if age < 1 else 25 + 65 * (age - 1)),
        "weight": weight,
        "muscle": muscle,
        "height": float(vertices[used, 1].max()),
    }
    return Body(vertices, joints, facts)


def _shares(sex, age, ethnicity, muscle, weight, height, proportions) -> dict[str, float]:
    """Target -> its share, by MakeHuman's rule: the products of the shares of what its name says."""
    shares: dict[str, float] = {}
    ages = {"child": 1 - age, "young": age} if age < 1 else {"young": 2 - age, "old": age - 1}
    for year, of_age in ages.items():
        for name, share in zip(("caucasian", "african", "asian"), ethnicity, strict=True):
            shares[f"{name}-{sex}-{year}"] = of_age * share
        for muscles, of_muscle in _between(muscle, "muscle").items():
            for weights, of_weight in _between(weight, "weight").items():
                share = of_age * of_muscle * of_weight
                build = f"{sex}-{year}-{muscles}-{weights}"
                shares[f"universal-{build}"] = share
                shares[f"{build}-{'max' if height > 0 else 'min'}height"] = share * abs(height)
                shares[f"{build}-{'ideal' if proportions > 0 else 'uncommon'}proportions"] = (
                    share * 0.7 * abs(proportions)
                )
    return shares


def _between(value: float, what: str) -> dict[str, float]:
    """Shares of the average and of the extreme that `value`, -1 to 1, lies between."""
    return {f"average{what}": 1 - abs(value), f"{'max' if value > 0 else 'min'}{what}": abs(value)}
