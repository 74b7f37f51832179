import jax
import jax.numpy as jnp

from jaxemb.contextual import members
from jaxemb.functional.reading import in_context

model = members.lstm(dim=4, units=6)
params = model.init(jax.random.key(0))
layers, carry = in_context(model, params, jnp.ones((5, 4)), jnp.ones(5))
print(layers.shape)  # [layers, time, dim of both directions], the vectors themselves first
