"""What matrix is this? Rank, span, dependence and orthogonality of tables, with their margins.

NumPy in, NumPy out in float64; jax in, jax out, with every product in full precision, under jit,
vmap, grad and over meshes. The one expensive object is the `Spectrum`; most verdicts are functions
of it.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
