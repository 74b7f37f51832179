import jaxemb
from jaxemb import static

vocab, ids = jaxemb.text.encode(["a b a c", "b c a b"], min_count=1)
objective = static.skipgram(window=2, negatives=3)
resources, rows = objective.prepare(vocab)
print(rows)  # of the input and of the output table
print(objective.reads)
