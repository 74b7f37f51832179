"""Small changes of a program: an operator, a comparison, a small constant.

A change replaces the text at the position that the syntax tree gives, so that all other text stays.
"""

import ast
import random
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

# rooms of pure functions and readers; the tests of each are in the folder of its name
ROOMS = [
    "functional",
    "linalg",
    "text",
    "formats",
    "static",
    "contextual",
    "embedders",
    "counts",
    "training",
    "evaluation",
]
SMALL = 16  # larger constants are sizes of blocks and buffers, or waits

_OPERATORS: dict[type[ast.AST], tuple[str, str]] = {
    ast.Add: ("+", "-"),
    ast.Sub: ("-", "+"),
    ast.Mult: ("*", "/"),
    ast.Div: ("/", "*"),
    ast.FloorDiv: ("//", "*"),
    ast.Mod: ("%", "//"),
    ast.Pow: ("**", "*"),
    ast.BitAnd: ("&", "|"),
    ast.BitOr: ("|", "&"),
    ast.Lt: ("<", "<="),
    ast.LtE: ("<=", "<"),
    ast.Gt: (">", ">="),
    ast.GtE: (">=", ">"),
    ast.Eq: ("==", "!="),
    ast.NotEq: ("!=", "=="),
    ast.Is: ("is", "is not"),
    ast.IsNot: ("is not", "is"),
    ast.In: ("in", "not in"),
    ast.NotIn: ("not in", "in"),
    ast.And: ("and", "or"),
    ast.Or: ("or", "and"),
}


class Change(NamedTuple):
    """Bytes `start` to `stop` of `file`, which are `old`, become `new`."""

    file: Path
    line: int
    start: int
    stop: int
    old: str
    new: str

    def of(self, text: bytes) -> bytes:
        """Return the changed text."""
        assert text[self.start : self.stop].decode() == self.old
        return text[: self.start] + self.new.encode() + text[self.stop :]

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.old!r} -> {self.new!r} (byte {self.start})"


def sample(package: Path, count: int, seed: int) -> list[Change]:
    """Draw `count` changes of the library's files under `package`, without replacement."""
    files = sorted(file for room in ROOMS for file in (package / room).rglob("*.py"))
    candidates = [change for file in files for change in changes(file)]
    return random.Random(seed).sample(candidates, count)


def changes(file: Path) -> Iterator[Change]:
    """Yield every small change of one file, in the order of its syntax tree."""
    text = file.read_bytes()
    starts = [0]
    for line in text.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    for node in _values(ast.parse(text)):
        for line, start, stop, new in _places(node, text, starts):
            yield Change(file, line, start, stop, text[start:stop].decode(), new)


def _values(node: ast.AST) -> Iterator[ast.AST]:
    """Yield all nodes that compute something: no annotations, no texts, no sizes."""
    skipped = {"annotation", "returns", "type_params", "type_comment"}
    if isinstance(node, ast.JoinedStr) or _is_size(node):
        return
    yield node
    for name, field in ast.iter_fields(node):
        for child in field if isinstance(field, list) else [field]:
            if isinstance(child, ast.AST) and name not in skipped:
                yield from _values(child)


def _is_size(node: ast.AST) -> bool:
    """Whether a node is a size such as 1 << 20: of a block, a buffer, a workspace."""
    return isinstance(node, ast.BinOp) and isinstance(node.op, ast.LShift)


def _places(node: ast.AST, text: bytes, starts: list[int]) -> Iterator[tuple[int, int, int, str]]:
    """Yield the changes of one node: line, first byte, end of the bytes, new text."""

    def offset(line: int, column: int) -> int:
        return starts[line - 1] + column

    def between(left: ast.expr, right: ast.expr, operator: ast.AST):
        old, new = _OPERATORS.get(type(operator), ("", ""))
        start = offset(left.end_lineno or 0, left.end_col_offset or 0)
        place = (
            text.find(old.encode(), start, offset(right.lineno, right.col_offset)) if old else -1
        )
        if place >= 0:
            yield left.end_lineno or 0, place, place + len(old), new

    match node:
        case ast.BinOp(left=left, op=operator, right=right):
            yield from between(left, right, operator)
        case ast.Compare(left=left, ops=operators, comparators=others):
            for one, operator, other in zip([left, *others], operators, others, strict=False):
                yield from between(one, other, operator)
        case ast.BoolOp(op=operator, values=values):
            yield from between(values[0], values[1], operator)
        case ast.UnaryOp(op=ast.Not() | ast.USub() as operator):
            start = _start(node, starts)
            yield (
                node.lineno,
                start,
                start + len("not" if isinstance(operator, ast.Not) else "-"),
                "",
            )
        case ast.Constant(value=bool(value)):
            yield node.lineno, *_span(node, starts), str(not value)
        case ast.Constant(value=int(value)) if value <= SMALL:
            yield node.lineno, *_span(node, starts), str(value + 1)
        case ast.Constant(value=float(value)) if value <= SMALL:
            yield node.lineno, *_span(node, starts), repr(2 * value if value else 1.0)


def _start(node: ast.expr, starts: list[int]) -> int:
    return starts[node.lineno - 1] + node.col_offset


def _span(node: ast.expr, starts: list[int]) -> tuple[int, int]:
    return _start(node, starts), starts[(node.end_lineno or 0) - 1] + (node.end_col_offset or 0)
