"""Model cards: what a manifest entry says, in Markdown for people."""

from keras_reid.zoo.manifest import Entry

_CARD = """\
# {name}

{purpose}

| | |
| --- | --- |
| network | `{network}`{options} |
| input | {height}×{width} RGB pixels, 0 to 255, uint8 or float (height×width; `embed` resizes pictures of any size) |
| output | embedding of {embedding_size} numbers, of length 1; the cosine of two says how alike the people are |
| weights | {parameters:,} |
| file | `{file}`, {size:,} bytes ({precision} matrices) |
| SHA-256 | `{sha256}` |
| licence | {licence} |
| made with | keras-reid {version}, Keras {keras} |

    import keras_reid

    model = keras_reid.zoo.load("{name}")
    vectors = model.embed(["a.jpg", "b.jpg"])

## Training

Trained on {trained_on}. Recipe `{recipe[name]}`:

    {recipe[command]}

## Retrieval

Single query, images of the query's own identity and camera left out; measured with this file.

{figures}

## Match threshold

{threshold}

## Exported files

{exports}

## Limits and responsible use

- It tells clothing and build, within hours or a day, not faces: the same person in other clothes is somebody else to
  it, and two people in the same uniform are one.
- {people_limit}
- Measured accuracy holds for the data above and no other. Measure on pictures of your own cameras, and choose the
  threshold there, before anything depends on it.
- A match is a hint for a person to check, never proof, and never the sole ground for a decision about somebody.
- Recognising people in public places is regulated or forbidden in many countries (in the European Union by the GDPR
  and the AI Act). Have a legal basis, inform the people concerned, and keep no more than needed. It is not made for
  tracking people without their knowledge.
"""

_RENDERED = (
    "It was trained on rendered people only, none of whom exists. Faces, fabrics, hair and backgrounds are simpler "
    "there than in any street, and it was not examined for differences between ages, sexes or skin colours of real "
    "people."
)
_REAL = "It was not examined for differences between ages, sexes or skin colours."


def card(entry: Entry) -> str:
    """The model card of a manifest entry, Markdown."""
    height, width = entry.image_size
    options = "".join(f", `{key}={value!r}`" for key, value in entry.options.items())
    return _CARD.format(
        **{field: getattr(entry, field) for field in entry.__dataclass_fields__}
        | {
            "purpose": f"Weights of `{entry.network}` for person re-identification: which pictures show the same "
            "person?",
            "options": options,
            "height": height,
            "width": width,
            "figures": _figures(entry),
            "threshold": _threshold(entry),
            "exports": _exports(entry),
            "people_limit": _RENDERED if "rendered" in entry.trained_on else _REAL,
        }
    )


def _figures(entry: Entry) -> str:
    lines = [
        "| data | queries | gallery | rank-1 | rank-5 | rank-10 | mAP | mINP |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for row in entry.figures:
        values = " | ".join(f"{row[key]:.3f}" for key in ("rank1", "rank5", "rank10", "mAP", "mINP"))
        lines.append(f"| {row['data']} | {row['queries']} | {row['gallery']} | {values} |")
    commands = "\n".join(f"    {row['command']}" for row in entry.figures)
    return "\n".join(lines) + "\n\n" + commands


def _threshold(entry: Entry) -> str:
    found = entry.threshold
    if not found:
        return "None is published: choose one on pictures of your own cameras."
    return (
        f"From a cosine of {found['cosine']:.4f} on, two pictures are called the same person. On "
        f"`{found['data']}` that is wrong for {found['false_match_rate']:.2%} of {found['pairs']:,} pairs of different "
        f"people, and right for {found['true_match_rate']:.1%} of the pairs of one person in two cameras."
    )


def _exports(entry: Entry) -> str:
    if not entry.exports:
        return "Not measured for this file; every export measures itself and fails where it differs too much."
    lines = ["| format | bytes | lowest cosine to the model | largest difference |", "| --- | --- | --- | --- |"]
    for row in entry.exports:
        lines.append(f"| {row['format']} | {row['size']:,} | {row['cosine']:.6f} | {row['difference']:.1e} |")
    return "\n".join(lines)
