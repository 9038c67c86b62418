"""Retrieval figures and re-ranking from their definitions, in loops and dense matrices, to check against."""

import numpy as np


def slow_figures(similarity, query_ids, query_cams, gallery_ids, gallery_cams):
    """Figures from a full (Q, G) matrix: sort everything, non-matches first among equals, then count."""
    ranks_of_first, precisions, penalties = [], [], []
    for q in range(len(query_ids)):
        if query_ids[q] == -1:
            continue
        ranking = []
        for g in range(len(gallery_ids)):
            same_person = gallery_ids[g] == query_ids[q]
            if gallery_ids[g] == -1 or (same_person and gallery_cams[g] == query_cams[q]):
                continue
            ranking.append((-similarity[q, g], same_person))
        hits = [hit for _, hit in sorted(ranking)]
        if not any(hits):
            continue
        ranks = [rank for rank, hit in enumerate(hits, 1) if hit]
        ranks_of_first.append(ranks[0])
        precisions.append(sum((found + 1) / rank for found, rank in enumerate(ranks)) / len(ranks))
        penalties.append(len(ranks) / ranks[-1])
    count = len(ranks_of_first)
    if not count:
        return None
    figures = {f"rank{k}": sum(rank <= k for rank in ranks_of_first) / count for k in (1, 5, 10)}
    return {**figures, "mAP": sum(precisions) / count, "mINP": sum(penalties) / count}


def dense_reranking(query, gallery, k1, k2, original):
    """The re-ranked distances (Q, G) in float64 by the definition, with every matrix spelt out."""
    points = np.concatenate([query, gallery]).astype("float64")
    count = len(points)
    distance = ((points[:, None] - points[None]) ** 2).sum(-1)
    distance = distance / distance.max(axis=1, keepdims=True)
    order = np.argsort(distance, axis=1, kind="stable")

    def reciprocal(image, k):
        return {near for near in order[image, : k + 1] if image in order[near, : k + 1]}

    encoding = np.zeros((count, count))
    for image in range(count):
        own = reciprocal(image, k1)
        expanded = set(own)
        for near in own:
            theirs = reciprocal(near, round(k1 / 2))
            if len(theirs & own) > 2 / 3 * len(theirs):
                expanded |= theirs
        for member in expanded:
            encoding[image, member] = np.exp(-distance[image, member])
        encoding[image] /= encoding[image].sum()
    encoding = np.array([encoding[order[image, :k2]].mean(axis=0) for image in range(count)])
    result = np.zeros((len(query), len(gallery)))
    for q in range(len(query)):
        for g in range(len(gallery)):
            pair = encoding[[q, len(query) + g]]
            jaccard = 1 - pair.min(axis=0).sum() / pair.max(axis=0).sum()
            result[q, g] = (1 - original) * jaccard + original * distance[q, len(query) + g]
    return result
