import numpy as np

import jaxemb
from jaxemb import evaluation

vocab = jaxemb.Vocab(("king", "queen", "bread"), np.array([9, 7, 5]))
table = np.array([[1.0, 0.0], [0.9, 0.1], [-1.0, 0.2]])
print(evaluation.most_similar(vocab, table, ["king"], k=1))
print(evaluation.doesnt_match(vocab, table, ["king", "queen", "bread"]))
