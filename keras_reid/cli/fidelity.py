"""`keras-reid fidelity`."""

import sys

from keras_reid.cli import console, options


def fidelity(json: options.Json = False) -> None:
    """Compare our networks' sizes with the papers'.

    Parameters and multiply-adds stand beside the figures that the papers print, with the deviation. Ends with status 1
    if a figure is further off than its tolerance.
    """
    with console.working(), console.waiting("Counting"):
        from keras_reid import fidelity as figures

        rows = figures.table()
    if json:
        console.show_json(figures.to_json(rows))
    else:
        console.show(figures.render(rows))
    if any(row.within is False for row in rows):
        console.say("Error: at least one figure is further from the paper's than its tolerance.")
        sys.exit(1)
