import jax

import jaxemb
from jaxemb import training

vocab, ids = jaxemb.text.encode(["a b a c d", "b c a b d"] * 50, min_count=1)
tables = training.fit(jax.random.key(0), ids, vocab, jaxemb.cbow(), dim=4, epochs=2)
print(tables.input.shape, tables.output.shape)
