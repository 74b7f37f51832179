"""Word vectors from files: what was trained elsewhere, as words and a table."""

from jaxemb.formats.reading import WordVectors, read

__all__ = ["WordVectors", "read"]
