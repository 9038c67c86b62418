"""How well queries are found again in a gallery: exact figures and ranked lists, block by block in memory."""

from keras_reid.evaluation.metrics import evaluate
from keras_reid.evaluation.protocols import PROTOCOLS, Searchable, pooled, searchable, single_shot
from keras_reid.evaluation.ranks import QueryRanks, query_ranks
from keras_reid.evaluation.search import TopMatches, top_matches
from keras_reid.evaluation.survey import CameraPair, Survey, survey
from keras_reid.evaluation.verification import MatchThreshold, PairSimilarities, compare_pairs, compare_pairs_within

__all__ = [
    "PROTOCOLS",
    "CameraPair",
    "MatchThreshold",
    "PairSimilarities",
    "QueryRanks",
    "Searchable",
    "Survey",
    "TopMatches",
    "compare_pairs",
    "compare_pairs_within",
    "evaluate",
    "pooled",
    "query_ranks",
    "searchable",
    "single_shot",
    "survey",
    "top_matches",
]
