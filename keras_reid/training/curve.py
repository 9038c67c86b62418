"""A training's course as a picture."""

import os
from collections.abc import Sequence

from keras_reid.files import atomically


def draw_curve(
    rows: list[dict[str, float]], path: str | os.PathLike, dpi: int = 120, begun: Sequence[tuple[str, int]] = ()
) -> None:
    """Draw the loss and, where they were measured, rank-1 and mAP over the epochs, as a PNG.

    Args:
        rows: What `read_log` returns.
        path: The PNG; written whole or not at all.
        dpi: Pixels an inch, of which it has 8 by 4.5. Defaults to 120.
        begun: Where the rows are those of several trainings, the name and the first epoch of each. Lines between them.
    """
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    figure = Figure(figsize=(8, 4.5), layout="constrained")
    loss = figure.subplots()
    loss.plot([row["epoch"] for row in rows], [row["loss"] for row in rows], color="0.4", marker=".", label="loss")
    loss.set(xlabel="epoch", ylabel="loss")
    loss.xaxis.set_major_locator(MaxNLocator(integer=True))
    loss.set_ylim(bottom=0)
    retrieval = loss.twinx()
    for name, label in (("val_rank1", "rank-1"), ("val_mAP", "mAP")):
        measured = [row for row in rows if name in row]
        if measured:
            epochs, values = [row["epoch"] for row in measured], [row[name] for row in measured]
            retrieval.plot(epochs, values, marker=".", label=f"{label}, {values[-1]:.3f} at the end")
    retrieval.set(ylabel="share of queries", ylim=(0, 1))
    for name, epoch in begun:
        loss.axvline(epoch - 0.5, color="0.8", linewidth=1)
        loss.annotate(
            f" {name}", (epoch - 0.5, 0.02), xycoords=("data", "axes fraction"), rotation=90, fontsize="small"
        )
    figure.legend(loc="outside upper center", ncols=3)
    with atomically(path) as new:
        figure.savefig(new, dpi=dpi)
