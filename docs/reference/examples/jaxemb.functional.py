import jax
import jax.numpy as jnp

from jaxemb.functional import losses

center, context = jnp.ones(4), jnp.ones(4)
noise = jnp.zeros((5, 4))
print(losses.skipgram(center, context, noise))  # one pair, in nats
batch = jax.vmap(losses.skipgram)
print(batch(jnp.ones((3, 4)), jnp.ones((3, 4)), jnp.zeros((3, 5, 4))).shape)
