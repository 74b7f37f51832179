"""What a config says of a mesh, checked without looking for devices."""

from typing import Any

from jaxemb.errors import InputError

AXES = ("data", "model")
PARTS = 64  # of every table, in checkpoints: a device has some of them
PIECES = 8  # of a batch, where results are to be the same on any number of devices


def sizes(text: str) -> dict[str, int]:
    """The sizes of both axes, from "data=4,model=2"; of one that is not named, 1.

    Raises:
        InputError: another axis, one twice, or no size.
    """
    found: dict[str, int] = {}
    for part in text.split(","):
        name, _, size = (each.strip() for each in part.partition("="))
        if name not in AXES or name in found or not (size.isdecimal() and int(size)):
            raise InputError(
                f"mesh is {text!r}, in which {part.strip()!r} is no axis: wanted data and model, "
                "each once, with numbers of devices, such as data=4,model=2"
            )
        found[name] = int(size)
    return {"data": 1, "model": 1, **found}


def check(config: Any) -> None:
    """Raises InputError for a mesh that a static training cannot be divided on."""
    if config.mesh is None and not config.exact_elastic:
        return
    mesh, by_dim = sizes(config.mesh or "data=1"), config.cut == "dim"
    if config.members:
        raise InputError("a mesh and exact_elastic are for one model: take the members out")
    if config.exact_elastic and by_dim:
        raise InputError(
            "exact_elastic wants --cut rows: the parts of a vector are summed in another order on "
            "every mesh"
        )
    if by_dim and config.dim % mesh["model"]:
        raise InputError(
            f"dim is {config.dim}; --cut dim wants a multiple of model in {config.mesh}"
        )
    if not by_dim and PARTS % mesh["model"]:
        raise InputError(
            f"mesh is {config.mesh}: --cut rows wants a model that divides {PARTS}, such as 2 or 4"
        )
    shards = _shards(config)
    if config.exact_elastic and PIECES % shards:
        raise InputError(f"mesh is {config.mesh}; exact_elastic wants 1, 2, 4 or {PIECES} devices")
    if config.batch % pieces(config):
        raise InputError(
            f"batch is {config.batch} blocks, to be divided by {pieces(config)}: wanted a multiple "
            "of it"
        )


def pieces(config: Any) -> int:
    """The number of which a batch must be a multiple, to be divided over the mesh."""
    return PIECES if config.exact_elastic else _shards(config)


def _shards(config: Any) -> int:
    mesh = sizes(config.mesh or "data=1")
    return mesh["data"] * (1 if config.cut == "dim" else mesh["model"])


def check_data(mesh: str | None, batch: int) -> None:
    """Raises InputError for a mesh that a language model cannot be trained on."""
    if mesh is None:
        return
    found = sizes(mesh)
    if found["model"] > 1:
        raise InputError(f"mesh is {mesh}; a language model is not cut: wanted data alone")
    if batch % found["data"]:
        raise InputError(f"batch is {batch} streams; wanted a multiple of data in {mesh}")
