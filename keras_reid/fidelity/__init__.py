"""The networks' multiply-adds and parameters, beside the figures that the papers print."""

from keras_reid.fidelity.comparison import Row, render, table, to_json
from keras_reid.fidelity.counter import Count, LayerCount, multiply_adds
from keras_reid.fidelity.figures import FIGURES, Figure
from keras_reid.fidelity.papers_form import in_the_papers_form

__all__ = [
    "FIGURES",
    "Count",
    "Figure",
    "LayerCount",
    "Row",
    "in_the_papers_form",
    "multiply_adds",
    "render",
    "table",
    "to_json",
]
