"""Model cards: what a manifest entry says, in Markdown for people."""

from collections.abc import Iterable
from typing import Any

from keras_reid.zoo import commands
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
{runs}
## Retrieval

Single query, images of the query's own identity and camera left out; measured with this file.

{figures}
{matches}
## Match threshold

{thresholds}

## Exported files

{exports}
{int8}{latency}
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
            "runs": _runs(entry),
            "figures": _figures(entry),
            "matches": _matches(entry),
            "thresholds": _thresholds(entry),
            "exports": _exports(entry),
            "int8": _int8(entry),
            "latency": _latency(entry),
            "people_limit": _RENDERED if "rendered" in entry.trained_on else _REAL,
        }
    )


def _runs(entry: Entry) -> str:
    if not entry.runs:
        return ""
    rows = [(f"`{run['recipe']}`", run["epochs"], _minutes(run["seconds"])) for run in entry.runs]
    curve = f"\n![Loss, rank-1 and mAP over the epochs]({_beside_card(entry.curve)})\n" if entry.curve else ""
    table = _table(("training", "epochs", "time"), rows)
    return f"\n{table}\n{curve}"


def _figures(entry: Entry) -> str:
    named = [(row["data"], row) for row in entry.figures]
    for row in entry.tuned:
        people = f"fine-tuned on its {row['people']} training people"
        named.append((f"{row['data']}, {people} for {row['epochs']} epochs in {_minutes(row['seconds'])}", row))
    for row in entry.beside:
        names = row["recipe"].replace(" and ", "` and `")
        other = f"`{names}`, {row['epochs']} epochs in {_minutes(row['seconds'])}"
        named.append((f"{row['data'].rpartition(' -> ')[2]}, another network beside it: {other}", row))
    rows = [(name, row["queries"], row["gallery"], *_shares(row)) for name, row in named]
    table = _table(("data", "queries", "gallery", "rank-1", "rank-5", "rank-10", "mAP", "mINP"), rows)
    return table + "\n\n" + _commands(row["command"] for _, row in named)


def _shares(row: dict[str, Any]) -> list[str]:
    return [f"{row[key]:.3f}" for key in ("rank1", "rank5", "rank10", "mAP", "mINP")]


def _matches(entry: Entry) -> str:
    if not entry.matches:
        return ""
    return f"\n![Some of the bundled people's queries with their nearest pictures]({_beside_card(entry.matches)})\n"


def _thresholds(entry: Entry) -> str:
    if not entry.thresholds:
        return "None is published: choose one on pictures of your own cameras."
    first = entry.thresholds[0]
    rows = [
        (f"{row['claim']:.1%}", f"{row['cosine']:.4f}", f"{row['false_match_rate']:.2%}", _percent(row))
        for row in entry.thresholds
    ]
    text = (
        "From one of these cosines on, two pictures are called the same person. They were chosen on "
        f"`{first['data']}`, its {first['people']}, so that at most the claimed share of {first['pairs']:,} pairs of "
        "different people in two cameras is called one person, which is a false match. True matches are the share of "
        "the pairs of one person in two cameras that is found.\n\n"
        + _table(("claim", "cosine from", "false matches", "true matches"), rows)
    )
    if not entry.match_rates:
        return text
    worth = _table(
        ("data", "claim", "false matches", "of pairs", "true matches"),
        [
            (row["data"], f"{row['claim']:.1%}", f"{row['false_match_rate']:.2%}", f"{row['pairs']:,}", _percent(row))
            for row in entry.match_rates
        ],
    )
    return (
        f"{text}\n\nWhat the claim is worth, between the queries and the gallery of each data set:\n\n{worth}\n\n"
        f"{_measured_in_python(entry)}"
    )


def _percent(row: dict[str, Any]) -> str:
    return f"{row['true_match_rate']:.1%}"


def _measured_in_python(entry: Entry) -> str:
    chosen_on = entry.thresholds[0]
    lines = [
        "from keras_reid.zoo.match_threshold import match_rates, measure_thresholds",
        "",
        f'chosen_on = keras_reid.data.load("{commands.data_set(chosen_on["data"])}")',
        f"thresholds = measure_thresholds(model, chosen_on, training={chosen_on['people'] == 'training people'})",
        "print(thresholds)",
    ]
    for name in dict.fromkeys(row["data"] for row in entry.match_rates):
        lines.append(f'print(match_rates(model, keras_reid.data.load("{commands.data_set(name)}"), thresholds))')
    return _lines(f"    {line}".rstrip() for line in lines)


def _exports(entry: Entry) -> str:
    if not entry.exports:
        return "Not measured for this file; every export measures itself and fails where it differs too much."
    rows = [
        (row["format"], f"{row['size']:,}", f"{row['cosine']:.6f}", f"{row['difference']:.1e}") for row in entry.exports
    ]
    return _table(("format", "bytes", "lowest cosine to the model", "largest difference"), rows)


def _int8(entry: Entry) -> str:
    if not entry.int8:
        return ""
    columns = ("model_rank1", "int8_rank1", "model_mAP", "int8_mAP", "same_person", "same_picture")
    rows = [(row["data"], *(f"{row[name]:.3f}" for name in columns)) for row in entry.int8]
    table = _table(("data", "rank-1", "rank-1 in int8", "mAP", "mAP in int8", "same person", "same picture"), rows)
    return (
        "\nRetrieval with the int8 LiteRT file, calibrated on the bundled people; and the share of queries whose "
        "nearest picture shows the same person as the model's, and is the very same picture:\n\n"
        f"{table}\n\n{_commands(row['command'] for row in entry.int8)}\n"
    )


def _latency(entry: Entry) -> str:
    if not entry.latency:
        return ""
    rows = [(row["format"], f"{row['ratio']:.2f}", f"{row['milliseconds']:.1f} ms") for row in entry.latency]
    return (
        "\nTime of the LiteRT files for one picture on one thread, median, measured in turns on a processor "
        f"{entry.latency[0]['processor']}. Only the ratios can be compared with other machines, or with the same one "
        "on another day:\n\n"
        f"{_table(('format', 'ratio to float32', 'time'), rows)}\n\n{_commands([commands.latency(entry.name)])}\n"
    )


def _table(heads: tuple[str, ...], rows: Iterable[tuple]) -> str:
    lines = [heads, ("---",) * len(heads), *rows]
    return _lines(f"| {' | '.join(map(str, line))} |" for line in lines)


def _commands(given: Iterable[str]) -> str:
    return _lines(f"    {command}" for command in given)


def _lines(lines: Iterable[str]) -> str:
    return "\n".join(lines)


def _minutes(seconds: int) -> str:
    return f"{seconds / 60:.0f} min" if seconds >= 60 else f"{seconds} s"


def _beside_card(picture: str) -> str:
    """The card lies in the pictures' folder."""
    return picture.rpartition("/")[2]
