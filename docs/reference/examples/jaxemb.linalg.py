import jax
import numpy as np

from jaxemb import linalg

table = np.asarray(linalg.planted(jax.random.key(0), 500, np.geomspace(1, 1e-3, 20)))
spectrum = linalg.spectrum(table)  # the one expensive object
print(linalg.rank(spectrum))
print(linalg.dependence(table[:21]))
