"""Networks as files that run without Keras, each compared with the Keras model before it is kept."""

from keras_reid.export.exported import Exported, open_export
from keras_reid.export.onnx import to_onnx
from keras_reid.export.report import Report
from keras_reid.export.retrieval import compare_retrieval
from keras_reid.export.saved_model import to_saved_model
from keras_reid.export.tflite import to_tflite

__all__ = ["Exported", "Report", "compare_retrieval", "open_export", "to_onnx", "to_saved_model", "to_tflite"]
