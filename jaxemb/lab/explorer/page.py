"""The page: one HTML file with its style, its programs and its numbers inside."""

import base64
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from jaxemb import files
from jaxemb.lab.explorer import quantised

WEB = Path(__file__).with_name("web")
VENDOR = Path(__file__).with_name("vendor")
_IMPORT = re.compile(r'^import (?:\{[^}]*\} from )?"\./(?P<name>[\w.]+)";\n', re.MULTILINE)
_SLOT = re.compile(r"<!--(?P<name>\w+)-->")
_DASHES = {"<": "\\u003c", "\u2028": "\\u2028", "\u2029": "\\u2029"}


def html(title: str, values: Mapping[str, Any], codes: Any) -> str:
    """The page of a table.

    Args:
        title: of the page, as plain text.
        values: what the page shows, JSON values.
        codes: of the table, uint16 [rows, dim], below 4096.
    """
    slots = {
        "title": _escaped(title),
        "style": (WEB / "page.css").read_text("utf-8") + _vendored("vendor.min.css"),
        "vendor": _vendored("vendor.min.js"),
        "licences": _escaped(_vendored("LICENSES.txt")),
        "program": program(),
        "values": as_json(values),
        "codes": base64.b64encode(quantised.pack(np.asarray(codes)).tobytes()).decode("ascii"),
    }
    page = (WEB / "page.html").read_text("utf-8")
    return _SLOT.sub(lambda slot: slots[slot["name"]], page)


def program(entry: str = "main.js") -> str:
    """The modules of the page as one, each after those that it imports.

    They share one scope: no two may define the same name at their top, which a browser refuses.
    """
    order: list[str] = []

    def visit(name: str) -> None:
        if name in order:
            return
        text = (WEB / name).read_text("utf-8")
        for imported in _IMPORT.finditer(text):
            visit(imported["name"])
        order.append(name)

    visit(entry)
    return "\n".join(_inlined(name) for name in order)


def _inlined(name: str) -> str:
    text = _IMPORT.sub("", (WEB / name).read_text("utf-8"))
    assert not re.search(r"^import\b", text, re.MULTILINE), f"{name}: an import of another form"
    return f"// {name}\n" + re.sub(
        r"^export (?=const|let|function|class|async)", "", text, flags=re.M
    )


def as_json(values: Any) -> str:
    """JSON that may stand inside <script>; NaN and infinity become null."""
    text = json.dumps(
        files.finite(values), ensure_ascii=False, allow_nan=False, separators=(",", ":")
    )
    return re.sub("[<\u2028\u2029]", lambda sign: _DASHES[sign[0]], text)


def _vendored(name: str) -> str:
    return (VENDOR / name).read_text("utf-8")


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
