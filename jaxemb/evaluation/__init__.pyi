from . import (
    agreement as agreement,
    analogies as analogies,
    bundled as bundled,
    contextuality as contextuality,
    datasets as datasets,
    intervals as intervals,
    policies as policies,
    polysemy as polysemy,
)
from .neighbours import (
    Neighbours as Neighbours,
    Query as Query,
    analogy as analogy,
    distance as distance,
    doesnt_match as doesnt_match,
    euclidean_distance as euclidean_distance,
    most_similar as most_similar,
    most_similar_of_each as most_similar_of_each,
    nearest as nearest,
    nearest_euclidean as nearest_euclidean,
    similarity as similarity,
)
from .policies import GENSIM as GENSIM, Policy as Policy
