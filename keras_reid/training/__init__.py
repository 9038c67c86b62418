"""Training: what `ReIDModel.fit` adds to Keras' own, recipes, and runs that can be interrupted and distributed."""

from keras_reid.training.backup import Backup
from keras_reid.training.catalogue import recipe, recipes
from keras_reid.training.epoch_log import EpochLog
from keras_reid.training.imprinting import imprint
from keras_reid.training.recipe import Recipe, Stage
from keras_reid.training.retrieval_evaluation import RetrievalEvaluation
from keras_reid.training.run import run
from keras_reid.training.schedules import Constant, Cosine, Falling

__all__ = [
    "Backup",
    "Constant",
    "Cosine",
    "EpochLog",
    "Falling",
    "Recipe",
    "RetrievalEvaluation",
    "Stage",
    "imprint",
    "recipe",
    "recipes",
    "run",
]
