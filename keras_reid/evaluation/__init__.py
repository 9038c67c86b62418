"""How well queries are found again in a gallery: exact figures and ranked lists, block by block in memory."""

from keras_reid.evaluation.metrics import evaluate
from keras_reid.evaluation.ranks import QueryRanks, query_ranks
from keras_reid.evaluation.search import TopMatches, top_matches

__all__ = ["QueryRanks", "TopMatches", "evaluate", "query_ranks", "top_matches"]
