"""Word2vec as in its papers, in float64 NumPy and plain loops: the oracle for static vectors."""

import numpy as np


def minus_log_sigma(x):
    return np.logaddexp(0.0, -np.float64(x))


def window_pairs(sentences, window):
    """Every (center, context) of fixed windows: the double sum over a text in the papers."""
    pairs = []
    for sentence in sentences:
        for t, center in enumerate(sentence):
            for j in range(max(t - window, 0), min(t + window + 1, len(sentence))):
                if j != t:
                    pairs.append((center, sentence[j]))
    return pairs


def windows(sentences, window):
    """Every (center, words of its window), for CBOW."""
    pairs = []
    for sentence in sentences:
        for t, center in enumerate(sentence):
            around = sentence[max(t - window, 0) : t] + sentence[t + 1 : t + window + 1]
            if around:
                pairs.append((center, around))
    return pairs


def expected_skipgram(center, context, noise, mass, k):
    """-log sigma(v.u) - k E_n[log sigma(-v.u_n)]: arXiv:1310.4546, eq. 4, in expectation."""
    return minus_log_sigma(context @ center) + k * mass @ minus_log_sigma(-(noise @ center))
