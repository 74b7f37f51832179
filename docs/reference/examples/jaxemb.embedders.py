import jax
import jax.numpy as jnp

from jaxemb import embedders
from jaxemb.contextual import members

static = embedders.lookup(9, 4)
in_context = embedders.contextual(static, members.lstm(4, units=6), embedders.top())
ids, mask = jnp.array([3, 1, 3]), jnp.ones(3)
for embedder in (static, in_context):
    params = embedder.init(jax.random.key(0))
    vectors = embedder.apply(params, ids, mask)
    print(vectors.shape, bool((vectors[0] == vectors[2]).all()))  # one word, twice
