import tempfile
from pathlib import Path

import numpy as np

from jaxemb import formats

path = Path(tempfile.mkdtemp()) / "small.vec"
path.write_text("2 3\nking 0.5 -0.25 1e-3\nqueen 0.25 1 2\n")
table = formats.read(path)
print(table.words, table.vectors.dtype, np.asarray(table.vectors).shape)
