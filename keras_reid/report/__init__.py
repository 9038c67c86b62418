"""What a model was measured at, for people to read: Markdown and HTML with curves and pictures."""

from keras_reid.report.measured import Measured, measure
from keras_reid.report.ranked import draw_ranked, spread
from keras_reid.report.written import write_report

__all__ = ["Measured", "draw_ranked", "measure", "spread", "write_report"]
