"""Linear algebra of tables: rank, span, dependence and orthogonality, with error margins.

NumPy arrays give NumPy results in float64. JAX arrays give JAX results, with every product in full
precision, under jit, vmap, grad and over meshes. The one expensive object is the `Spectrum`; most
other results are computed from it.
"""

from jaxemb.errors import door

__getattr__, __dir__, __all__ = door(__name__, __file__)
