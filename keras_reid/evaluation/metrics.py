"""CMC, mAP and mINP, exactly, from the ranks of the true matches alone."""

from numpy.typing import ArrayLike

from keras_reid.evaluation.ranks import query_ranks


def evaluate(
    query: ArrayLike,
    query_ids: ArrayLike,
    query_cams: ArrayLike,
    gallery: ArrayLike,
    gallery_ids: ArrayLike,
    gallery_cams: ArrayLike,
    rerank: bool = False,
) -> dict[str, float]:
    """Search each query in the gallery and measure where its true matches rank.

    - Similarity is the inner product in float32, for rows of length 1 (as `embed` returns them) the cosine.
    - Gallery images of the query's own identity *and* camera are left out of its ranking. Identity −1 is junk and left
      out everywhere; identity 0 marks distractors of the gallery, which match nobody.
    - Ties: an image that is exactly as similar as a true match, and is none itself, ranks before it. The figures
      thus do not depend on the gallery's order, and a network that gives the same vector to everybody scores worst.
    - Queries without a match are left out of the figures, with a warning that counts them.
    - Average precision is the mean, over the true matches, of the precision at their ranks; the inverse negative
      penalty is the number of matches divided by the rank of the last.
    - Memory beside the arguments stays near 128 MiB, whatever the number of queries; arguments in float32 are not
      copied, unless the gallery holds junk. Re-ranking adds a copy of them and some hundred numbers an image.
    - The processor multiplies, or a GPU where Keras has been imported and sees one, to which the gallery is copied.

    `query_ranks` gives the same for each query by itself, and CMC at every rank.

    Args:
        query: (Q, D) embeddings.
        query_ids: (Q,) integers.
        query_cams: (Q,) integers.
        gallery: (G, D) embeddings of the same network.
        gallery_ids: (G,) integers.
        gallery_cams: (G,) integers.
        rerank: whether to rank by k-reciprocal encoding (k1 = 20, k2 = 6, λ = 0.3) instead. Defaults to False.

    Returns:
        "rank1", "rank5", "rank10": share of queries with a true match among the first 1, 5, 10; "mAP"; "mINP". All lie
        between 0 and 1.

    Raises:
        ReIDError: NaN, empty or mismatched arrays, a query of identity 0, or no query with a match.
    """
    return query_ranks(query, query_ids, query_cams, gallery, gallery_ids, gallery_cams, rerank).figures()
