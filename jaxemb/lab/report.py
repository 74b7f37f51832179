"""Reports: what they share."""

from pathlib import Path


def shown(names: list[str]) -> str:
    """The pictures of a folder, or how to get them."""
    if not names:
        return "(Pictures need matplotlib: pip install 'jaxemb[plot]'.)\n"
    return "\n".join(f"![{Path(name).stem}]({name})" for name in names) + "\n"
