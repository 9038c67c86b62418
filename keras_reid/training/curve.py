"""A training's course as a picture."""

import os

from keras_reid.files import atomically


def draw_curve(rows: list[dict[str, float]], path: str | os.PathLike, dpi: int = 120) -> None:
    """Draw the loss and, where they were measured, rank-1 and mAP over the epochs, as a PNG.

    Args:
        rows: What `read_log` returns.
        path: The PNG; written whole or not at all.
        dpi: Pixels an inch, of which it has 8 by 4.5. Defaults to 120.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 4.5), layout="constrained")
    loss = figure.subplots()
    loss.plot([row["epoch"] for row in rows], [row["loss"] for row in rows], color="0.4", label="loss")
    loss.set(xlabel="epoch", ylabel="loss")
    loss.set_ylim(bottom=0)
    retrieval = loss.twinx()
    for name, label in (("val_rank1", "rank-1"), ("val_mAP", "mAP")):
        measured = [row for row in rows if name in row]
        if measured:
            epochs, values = [row["epoch"] for row in measured], [row[name] for row in measured]
            retrieval.plot(epochs, values, marker=".", label=f"{label}, {values[-1]:.3f} at the end")
    retrieval.set(ylabel="share of queries", ylim=(0, 1))
    figure.legend(loc="outside upper center", ncols=3)
    with atomically(path) as new:
        figure.savefig(new, dpi=dpi)
