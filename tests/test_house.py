"""Imports only point down: scripts -> shell -> floor 2 -> floor 1 -> structs -> ground."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FLOORS = {
    # ground
    "errors": 0,
    "disk": 0,
    "provenance": 1,
    "functional": 1,
    "linalg": 2,
    "structs": 3,
    # floor 1
    "text": 4,
    "optimizers": 4,
    "static": 4,
    "formats": 4,
    "contextual": 4,
    "contextualizers": 4,  # a biLM comes to them as a value
    # floor 2
    "embedders": 5,
    "learners": 5,
    "evaluation": 5,
    "pretrained": 5,
    "ladder": 6,
    "factorizations": 6,
    # shell
    "corpus_config": 6,
    "mesh_config": 6,
    "hosts_config": 6,
    "config": 7,
    "tensors": 7,
    "snapshots": 7.3,
    "checkpoints": 7.5,
    "durable": 8,
    "command_line": 7,
    "prefetch": 7,
    "training": 8,
    "fitting": 9,
    "held_out": 9,
    "collectives": 1,
    "machines": 1,
    "planning": 2,
    "planning_report": 7,
    "lost": 1,
    "store": 1,
    "hosts": 9,
    "sharding": 9,
    "sharded_training": 10,
    "watching": 9,
    "progress": 9,
    "preparation": 10,
    "cluster": 9,
    "identity": 8,
    "contextual_config": 8,
    "count_config": 8,
    "counting": 13,
    "count_pictures": 14,
    "count_report": 17,
    "subword_config": 8,
    "contextual_training": 8,
    "perplexity": 9,
    "loading": 10,
    "inspection": 11,
    "starting": 11,
    "growing": 11.5,
    "subword_models": 11.5,
    "stepping": 11,
    "runs": 12,
    "contextual_runs": 12,
    "ensembles": 13,
    "pictures": 13,
    "score_pictures": 14,
    "context_pictures": 14,
    "evaluation_report": 15,
    "report": 16,
    "contextual_report": 16,
    "embedding": 16,
    "running_words": 17,
    "context_report": 18,
    "context_ladder": 18,
    "ladder_pictures": 19,
    "polysemy_config": 9,
    "comparison_config": 8,
    "comparison": 13,
    "comparison_pictures": 14,
    "profiles": 8,
    "polysemy_text": 11,
    "polysemy_pictures": 14,
    "polysemy_runs": 17,
    "polysemy_report": 18,
    "glove_training": 10.5,
    "theorem": 13,
    "theorem_pictures": 14,
    "theorem_report": 16,
}
ROOMS = ("jaxemb", "scripts", "configs", "tests")
MODULES = sorted(p for p in (ROOT / "jaxemb").rglob("*.py") if p != ROOT / "jaxemb/__init__.py")
WITHOUT_JAX = {
    "text",
    "errors",
    "disk",
    "provenance",
    "corpus_config",
    "config",
    "mesh_config",
    "machines",
    "planning",
    "planning_report",
    "hosts_config",
    "lost",
    "subword_config",
    "command_line",
    "preparation",
    "cluster",
}
# doors between rooms of floor 1: static trains on what text encodes, formats reads what it wrote
DOORS = {("static", "text"), ("formats", "text")}


def _room(module: str) -> str | None:
    parts = module.split(".")
    return parts[1] if parts[0] == "jaxemb" and len(parts) > 1 else None


def _imports(path: Path) -> set[str]:
    """Modules imported at run time; what stands under TYPE_CHECKING is not."""
    found = set()
    tree = ast.parse(path.read_text("utf-8"))
    checked = [
        n for n in ast.walk(tree) if isinstance(n, ast.If) and "TYPE_CHECKING" in ast.dump(n.test)
    ]
    skipped = {id(inner) for node in checked for inner in ast.walk(node)}
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{alias.name}" for alias in node.names} | {node.module}
    return found


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT).with_suffix("")).replace("/", ".")


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_imports_only_point_down(path):
    room = _room(_name(path))
    assert room in FLOORS, f"{room} has no floor: say where it belongs"
    for other in {_room(module) for module in _imports(path)} - {None, room}:
        assert other in FLOORS, f"{_name(path)} imports {other}"
        below = FLOORS[other] < FLOORS[room]
        assert below or (room, other) in DOORS, f"{_name(path)} imports {other}, which is not below"


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_each_library_stays_in_its_rooms(path):
    homes = {
        "flax": {"contextual"},
        "optax": {"optimizers", "learners", "contextual_training", "contextual"},
        "tyro": {"corpus_config", "config", "command_line", "comparison_config"},
        "rich": {"progress"},
        "distributed": {"cluster"},
        "safetensors": {"tensors", "checkpoints", "formats"},
        "matplotlib": {
            "pictures",
            "score_pictures",
            "context_pictures",
            "count_pictures",
            "ladder_pictures",
            "polysemy_pictures",
            "comparison_pictures",
            "theorem_pictures",
        },
        "jax": set(FLOORS) - WITHOUT_JAX,
    }
    used = {module.split(".")[0] for module in _imports(path)}
    for library, rooms in homes.items():
        assert library not in used or _room(_name(path)) in rooms, f"{_name(path)}: {library}"


def _guarded(tree: ast.AST) -> set[int]:
    """What stands in a `try` that goes on without a module or a name."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Try):
            caught = " ".join(ast.unparse(each.type) for each in node.handlers if each.type)
            if "ImportError" in caught and "AttributeError" in caught:
                found |= {id(inner) for each in node.body for inner in ast.walk(each)}
    return found


def test_what_jax_keeps_to_itself_is_used_only_where_the_program_goes_on_without_it():
    private = re.compile(r"(jax|flax|optax|jaxtyping|tyro|numpy|scipy)\.(\w+\.)*_[a-z].*|jaxlib.*")
    found = []
    for path in sorted(p for room in ROOMS for p in (ROOT / room).rglob("*.py")):
        tree = ast.parse(path.read_text("utf-8"))
        guarded = _guarded(tree)
        for node in ast.walk(tree):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names = [f"{node.module}.{alias.name}" for alias in node.names]
            elif isinstance(node, ast.Attribute) and node.attr.startswith("_"):
                names = [ast.unparse(node)]
            if id(node) not in guarded and any(map(private.fullmatch, names)):
                found.append(f"{path.relative_to(ROOT)}:{node.lineno} {names}")
    assert found == []


def test_no_module_shadows_the_standard_library():
    names = {path.stem for path in MODULES} - {"__init__"}
    assert not names & set(sys.stdlib_module_names)


def test_no_file_is_too_long_to_be_read():
    lengths = {_name(p): len(p.read_text("utf-8").splitlines()) for p in MODULES}
    assert {name: n for name, n in lengths.items() if n > 260} == {}


def _fresh(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    return done.stdout.strip()


def test_importing_the_package_loads_no_jax():
    code = "import sys, jaxemb; print([m for m in ('jax', 'flax', 'optax') if m in sys.modules])"
    assert _fresh(code) == "[]"


def test_preparing_text_loads_no_jax():
    code = "import sys, jaxemb.preparation; print('jax' in sys.modules)"
    assert _fresh(code) == "False"


def test_everything_the_front_door_promises_is_there():
    import jaxemb

    for name in jaxemb.__all__:
        assert getattr(jaxemb, name) is not None
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = jaxemb.nothing  # type: ignore[attr-defined]
