"""Words as a user meets them, and scores of tables against human judgement.

What is near a word: the functions below. Scores: `agreement` (word similarity) and `analogies`, on
tests that `reading` reads or `words` has at hand, under a `Policy` that every score names.
"""

from jaxemb.evaluation.neighbours import (
    Neighbours,
    Query,
    analogy,
    distance,
    doesnt_match,
    euclidean_distance,
    most_similar,
    most_similar_of_each,
    nearest,
    nearest_euclidean,
    similarity,
)
from jaxemb.evaluation.policies import GENSIM, Policy

__all__ = [
    "GENSIM",
    "Neighbours",
    "Policy",
    "Query",
    "analogy",
    "distance",
    "doesnt_match",
    "euclidean_distance",
    "most_similar",
    "most_similar_of_each",
    "nearest",
    "nearest_euclidean",
    "similarity",
]
