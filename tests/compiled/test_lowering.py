"""Every jitted function of the project lowers for CPUs, NVIDIA GPUs and TPUs; no compiler needed.

Each platform is asked for by itself: JAX cannot lower a spectrum for several at once.
"""

import ast
import functools
import re
from pathlib import Path

import jax
import pytest
from benchmarks.ahead import programs
from benchmarks.ahead.programs import calls, static

from jaxemb.training import learners

ROOT = Path(__file__).parents[2] / "jaxemb"
PLATFORMS = ("cpu", "cuda", "tpu")
# one program of each jitted function by default
FIRST = {program.covers: name for name, program in reversed(programs.ALL.items())}
EVERY = pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[] if FIRST[program.covers] == name else pytest.mark.thorough)
        for name, program in programs.ALL.items()
    ],
)


def _place() -> calls.Place:
    return calls.Place(jax.devices()[:4], small=True)


def _is_jit(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute) and ast.unparse(node) == "jax.jit"


def _jitted() -> set[str]:
    """The functions that are jitted, as `room.module.name`; within a function, by its name."""
    names = set()
    for path in sorted(ROOT.rglob("*.py")):
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for node in ast.parse(path.read_text("utf-8")).body:
            if not any(map(_is_jit, ast.walk(node))):
                continue
            if isinstance(node, ast.Assign):
                names.add(f"{module}.{ast.unparse(node.targets[0])}")
            elif isinstance(node, ast.AnnAssign):
                names.add(f"{module}.{ast.unparse(node.target)}")
            else:
                assert isinstance(node, ast.FunctionDef), f"{module}: {ast.unparse(node):.80}"
                names.add(f"{module}.{node.name}")
    return names


def test_every_jitted_function_is_in_the_list_of_programs_and_no_other():
    listed = {program.covers for program in programs.ALL.values() if program.covers}
    assert not listed & set(programs.PARTS)
    assert _jitted() == listed | set(programs.PARTS)


@EVERY
def test_a_program_lowers_for_each_platform_by_itself_without_float64(name):
    call = programs.ALL[name].build(_place())
    traced = call.function.trace(*call.arguments, **call.named)
    for platform in PLATFORMS:
        text = traced.lower(lowering_platforms=(platform,)).as_text()
        assert "stablehlo" in text
        assert not re.search(r"\bf64\b|xf64>", text), f"{platform}: float64"


@pytest.mark.parametrize("platform", PLATFORMS)
def test_the_parts_of_a_batch_are_those_of_the_platform_that_is_lowered_for(platform):
    """The choice is by a constant, of which a compiler leaves one side."""
    text = calls.lowered(static.trained(static.SKIPGRAM, 16, 64)(_place()), platform).as_text()
    # the constant stands right before its choice
    numbers = re.findall(r'dense<(\d)> : tensor<i32>\n[^\n]*"stablehlo\.case"', text)
    assert numbers
    assert set(numbers) == {"0" if platform == "cpu" else "1"}  # two parts, or one


def test_a_cpus_program_is_that_of_two_parts():
    def compiled(learner) -> str:
        build = static.trained(static.SKIPGRAM, 16, 64, learner=learner)
        text = calls.lowered(build(_place()), "cpu").compile().as_text()
        return re.sub(r"(metadata=\{[^}]*\}|%[\w.-]+|\n\S*stack_frame\S*)", "", text)

    two = functools.partial(learners.row_sparse, parts=2)
    ours, theirs = compiled(learners.row_sparse), compiled(two)
    assert "conditional" not in ours
    for operation in (" fusion(", " dot(", " scatter(", " copy("):
        assert ours.count(operation) == theirs.count(operation)
