"""What a run's folder holds, so that another run is not taken for its continuation."""

import hashlib
from pathlib import Path
from typing import Any

from jaxemb import config as config_lib
from jaxemb import provenance
from jaxemb.errors import InputError
from jaxemb.text import corpus as corpus_lib

CONFIG = "config.json"


def refuse_other(workdir: Path, config: Any, corpus, start: str | None, begun: bool) -> None:
    """Writes config.json, or refuses a workdir that another config has written.

    Args:
        start: the digest of the rows that training starts from, if they are given.
        begun: whether the folder holds anything of a run.

    Raises:
        InputError: another config, text or start, with what differs.
    """
    sources = corpus_lib.read_manifest(corpus.folder)["sources"]
    digests = " ".join(source["sha256"] for source in sources)
    digest = hashlib.sha256(digests.encode()).hexdigest()
    now = {
        "config": config_lib.described(config),
        "sources_sha256": digest,
        "start_sha256": start,
    }
    path = workdir / CONFIG
    # a run that never got anywhere is no reason to refuse another config
    if path.exists() and begun:
        was = provenance.read_json(path)
        if not isinstance(was, dict) or not isinstance(was.get("config"), dict):
            raise InputError(f"{path}: damaged: choose another --workdir, or delete this one")
        found = config_lib.differences(was["config"], now["config"])
        if was.get("sources_sha256") != digest:
            found.append("the text changed")
        if was.get("start_sha256") != start:
            found.append("the vectors to start from, or the frozen rows, changed")
        if found:
            raise InputError(
                f"{workdir}: holds a run of another config: {'; '.join(found)}. "
                "Choose another --workdir, or delete this one"
            )
    else:
        provenance.write_json(path, {**now, **provenance.environment()})
