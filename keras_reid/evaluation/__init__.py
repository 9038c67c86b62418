"""How well queries are found again in a gallery: exact figures and ranked lists, block by block in memory."""

from keras_reid.evaluation.metrics import evaluate
from keras_reid.evaluation.ranks import QueryRanks, query_ranks
from keras_reid.evaluation.search import TopMatches, top_matches
from keras_reid.evaluation.verification import MatchThreshold, PairSimilarities, compare_pairs

__all__ = [
    "MatchThreshold",
    "PairSimilarities",
    "QueryRanks",
    "TopMatches",
    "compare_pairs",
    "evaluate",
    "query_ranks",
    "top_matches",
]
