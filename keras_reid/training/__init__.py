"""Training: what `ReIDModel.fit` adds to Keras' own, recipes, and runs that can be interrupted and distributed."""

from keras_reid.training.retrieval_evaluation import RetrievalEvaluation

__all__ = ["RetrievalEvaluation"]
