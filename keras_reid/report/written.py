"""A report as files: report.md, report.html with all pictures in it, and the pictures."""

import base64
import html
import io
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from keras_reid.data import read_image
from keras_reid.files import atomically
from keras_reid.pictures import draw_matches
from keras_reid.report.measured import Measured

_PAIRS = 30  # rows that somebody reads
_NAMES = {"rank1": "rank-1", "rank5": "rank-5", "rank10": "rank-10"}

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 1000px; margin: 2em auto; padding: 0 1em; color: #1c1e24 }
table { border-collapse: collapse; margin: 1em 0 }
th, td { padding: .2em .9em; border-bottom: 1px solid #d6d9de; text-align: right }
th:first-child, td:first-child { text-align: left }
img { max-width: 100% }
"""


def write_report(measured: Measured, folder: str | os.PathLike) -> dict[str, Path]:
    """Write a report into a folder, which is made where it is missing.

    Returns:
        Paths by what they are: "markdown", "html", "curves" and "worst" (PNG).

    Raises:
        ReIDError: a picture of a worst query or its matches cannot be read.
    """
    folder = Path(folder).expanduser()
    files = {"curves": folder / "curves.png", "worst": folder / "worst.png"}
    files |= {"markdown": folder / "report.md", "html": folder / "report.html"}
    _draw_curves(measured, files["curves"])
    _draw_worst(measured, files["worst"])
    parts = _parts(measured)
    with atomically(files["markdown"]) as new:
        new.write_text(_markdown(measured.title, parts), encoding="utf-8", errors="backslashreplace")
    with atomically(files["html"]) as new:
        new.write_text(_html(measured.title, parts, folder), encoding="utf-8", errors="backslashreplace")
    return files


def _parts(measured: Measured) -> list[tuple[str, str, Any]]:
    """What a report says, in order: kind ("heading", "text", "table", "picture"), text, and rows or a file."""
    figures = {_NAMES.get(name, name): f"{value:.3f}" for name, value in measured.figures.items()}
    counts = {name: f"{count:,}" for name, count in measured.counts.items()}
    thresholds = [
        (f"{rate:g}", f"{at.similarity:.4f}", f"{at.false_match_rate:.2e}", f"{at.true_match_rate:.3f}")
        for rate, at in measured.thresholds.items()
    ]
    worst = [
        (Path(asked.path).name, f"{asked.first_match:,}", f"{asked.average_precision:.3f}") for asked in measured.worst
    ]
    pairs = [
        (f"{pair.query_camera} → {pair.gallery_camera}", f"{pair.queries:,}", f"{pair.rank1:.3f}",
         f"{pair.mean_average_precision:.3f}")
        for pair in measured.pairs[:_PAIRS]
    ]  # fmt: skip
    shown = f"the {_PAIRS} worst of {len(measured.pairs)}" if len(measured.pairs) > _PAIRS else "all, the worst first"
    return [
        ("table", "", [(*counts, *figures), (*counts.values(), *figures.values())]),
        ("picture", "CMC and ROC", "curves.png"),
        ("heading", "Match thresholds", None),
        ("text", "From this cosine similarity on, two pictures of two cameras are called the same person.", None),
        ("table", "", [("false-match rate allowed", "threshold", "measured", "true-match rate"), *thresholds]),
        ("heading", "Worst queries", None),
        ("table", "", [("query", "rank of the first match", "average precision"), *worst]),
        ("picture", "Worst queries and what was found for them", "worst.png"),
        ("heading", "Camera pairs", None),
        ("text", f"Queries of one camera among the gallery images of another; {shown}.", None),
        ("table", "", [("query → gallery camera", "queries", "rank-1", "mAP"), *pairs]),
    ]


def _markdown(title: str, parts: Sequence[tuple[str, str, Any]]) -> str:
    lines = [f"# {title}"]
    for kind, text, content in parts:
        if kind == "table":
            head, *rows = [[cell.replace("|", "\\|") for cell in row] for row in content]
            rule = ["---", *["---:"] * (len(head) - 1)]
            lines.append("\n".join(f"| {' | '.join(row)} |" for row in (head, rule, *rows)))
        elif kind == "picture":
            lines.append(f"![{text}]({content})")
        else:
            lines.append(f"## {text}" if kind == "heading" else text)
    return "\n\n".join(lines) + "\n"


def _html(title: str, parts: Sequence[tuple[str, str, Any]], folder: Path) -> str:
    lines = [f"<h1>{html.escape(title)}</h1>"]
    for kind, text, content in parts:
        if kind == "table":
            head, *rows = [[html.escape(cell) for cell in row] for row in content]
            cells = [f"<tr><th>{'</th><th>'.join(head)}</th></tr>"]
            cells += [f"<tr><td>{'</td><td>'.join(row)}</td></tr>" for row in rows]
            lines.append("<table>\n" + "\n".join(cells) + "\n</table>")
        elif kind == "picture":
            data = base64.b64encode((folder / content).read_bytes()).decode()
            lines.append(f'<img alt="{html.escape(text)}" src="data:image/png;base64,{data}">')
        else:
            tag = "h2" if kind == "heading" else "p"
            lines.append(f"<{tag}>{html.escape(text)}</{tag}>")
    body = "\n".join(lines)
    header = f'<meta charset="utf-8">\n<title>{html.escape(title)}</title>\n<style>{_STYLE}</style>'
    return f'<!doctype html>\n<html lang="en">\n<head>\n{header}\n</head>\n<body>\n{body}\n</body>\n</html>\n'


def _draw_curves(measured: Measured, path: Path) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4), layout="constrained")
    FigureCanvasAgg(figure)
    cmc, roc = figure.subplots(1, 2)
    cmc.plot(range(1, len(measured.cmc) + 1), measured.cmc, color="#008c46")
    cmc.set(
        title="CMC", xlabel="rank", ylabel="queries with a match so far", xlim=(1, len(measured.cmc)), ylim=(0, 1.02)
    )
    rates, true = measured.roc
    roc.semilogx(rates, true, color="#008c46")
    roc.set(title="ROC", xlabel="false-match rate", ylabel="true-match rate", ylim=(0, 1.02))
    for axes in (cmc, roc):
        axes.grid(alpha=0.3)
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=110, metadata={"Software": None})
    with atomically(path) as new:
        new.write_bytes(picture.getvalue())


def _draw_worst(measured: Measured, path: Path) -> None:
    draw_matches(
        [read_image(asked.path) for asked in measured.worst],
        [[read_image(found) for found, _, _ in asked.found] for asked in measured.worst],
        [[value for _, value, _ in asked.found] for asked in measured.worst],
        path,
        hits=[[hit for _, _, hit in asked.found] for asked in measured.worst],
        query_names=[Path(asked.path).name for asked in measured.worst],
        title="Worst queries",
        distance_name=measured.distance_name,
    )
