"""Laws of the rooms of the package: what each may import, and which libraries each may use."""

import ast
import importlib
import re
import subprocess
import sys
import types
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# what a room may import besides itself, errors and structs: other rooms, or their modules
LIBRARY = {
    "errors": (),
    "files": (),
    "structs": (),
    "functional": (),
    "linalg": ("functional",),
    "text": ("files",),
    "formats": ("files", "functional.hashing", "text"),
    "static": ("functional", "text.vocabulary"),
    "embedders": ("functional", "linalg"),
    "evaluation": ("functional", "linalg", "text.vocabulary"),
    "training": ("functional", "linalg", "static"),
    "counts": ("files", "functional", "linalg", "static", "text.vocabulary"),
    "contextual": ("formats.elmo", "functional", "text", "training.optimizers"),
}
# the floors of the laboratory: a room imports rooms of lower floors, and the library
LAB = (
    ("shipped", "options", "programs", "memory", "notebook_bar"),
    ("settings", "progress", "report", "pictures", "command_line"),
    ("durable", "outcome", "corpus", "hosts.lost", "hosts.store", "completion"),
    ("workdir", "command"),
    ("vectors", "hosts", "tables"),
    ("model",),
    ("notebook", "runs.static", "runs.counts", "runs.contextual"),
    (
        "studies.theorem",
        "studies.likelihood",
        "studies.polysemy",
        "studies.context",
        "studies.planning",
    ),
    ("studies.ladder", "studies.architectures"),
    ("explorer",),
)
ROOMS = ("jaxemb", "scripts", "configs", "tests")
MODULES = sorted(p for p in (ROOT / "jaxemb").rglob("*.py") if p != ROOT / "jaxemb/__init__.py")
# rooms and modules that load no jax, so that `--help` and reading text start no device
WITHOUT_JAX = (
    *("errors", "files", "text", "lab.settings", "lab.corpus"),
    *("lab.command_line", "lab.command", "lab.completion", "lab.shipped"),
)


def _imports(path: Path) -> set[str]:
    """Return the modules that are imported at run time, not those under TYPE_CHECKING."""
    modules = set()
    tree = ast.parse(path.read_text("utf-8"))
    checked = [
        n for n in ast.walk(tree) if isinstance(n, ast.If) and "TYPE_CHECKING" in ast.dump(n.test)
    ]
    skipped = {id(inner) for node in checked for inner in ast.walk(node)}
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.Import):
            modules |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            modules |= {f"{node.module}.{alias.name}" for alias in node.names} | {node.module}
    return modules


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT).with_suffix("")).replace("/", ".")


def _own(path: Path) -> str:
    """Return the name of a module within the package: `lab.runs.static.run`."""
    return _name(path).removeprefix("jaxemb.").removesuffix(".__init__")


OWN = {_own(path) for path in MODULES}
DOORS = ("lab", "lab.runs", "lab.studies")  # of rooms that hold rooms
LABORATORY = [p for p in MODULES if _own(p).startswith("lab") and _own(p) not in DOORS]


def _modules(path: Path) -> set[str]:
    """Return the package's modules that a module imports; for an imported door, its room."""
    names = {name.removeprefix("jaxemb.") for name in _imports(path) if name.startswith("jaxemb.")}
    return {
        name
        for name in names
        if name in OWN and not any(_in(other, name) for other in names - {name})
    }


def _in(module: str, room: str) -> bool:
    return module == room or module.startswith(f"{room}.")


def _floor(module: str) -> tuple[int, str]:
    """Return the floor of a module of the laboratory, and its room."""
    rooms = [(i, room) for i, names in enumerate(LAB) for room in names]
    floors = [candidate for candidate in rooms if _in(module, f"lab.{candidate[1]}")]
    assert floors, f"{module} has no room: say where it belongs"
    return max(floors, key=lambda candidate: len(candidate[1]))


@pytest.mark.parametrize("path", [p for p in MODULES if not _in(_own(p), "lab")], ids=_name)
def test_a_room_imports_what_the_table_allows(path):
    own = _own(path)
    room = own.partition(".")[0]
    allowed = (room, "errors", "structs", *LIBRARY[room])
    for module in _modules(path):
        assert any(_in(module, part) for part in allowed), f"{own} imports {module}"


@pytest.mark.parametrize("path", LABORATORY, ids=_name)
def test_the_laboratory_imports_only_what_stands_below(path):
    floor, room = _floor(_own(path))
    for module in _modules(path):
        if _in(module, "lab"):
            below, other = _floor(module)
            assert other == room or below < floor, f"{_own(path)} imports {module}"


def test_nothing_outside_the_laboratory_imports_it():
    library = [path for path in MODULES if not _in(_own(path), "lab")]
    assert {
        _own(path) for path in library if "lab" in {m.partition(".")[0] for m in _modules(path)}
    } == set()
    assert not any(name.startswith("jaxemb.lab") for name in _imports(ROOT / "jaxemb/__init__.py"))


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_each_library_stays_in_its_rooms(path):
    homes = {
        "flax": ("contextual",),
        "optax": ("training", "contextual"),
        "distributed": ("text.cluster",),
        "safetensors": ("lab.durable", "formats"),
        "tyro": ("lab",),
        "rich": ("lab",),
        "matplotlib": ("lab",),
        "signal": ("lab", "text.processes"),  # only for its child process
        "time": ("lab",),
    }
    own, used = _own(path), {module.split(".")[0] for module in _imports(path)}
    for library, rooms in homes.items():
        assert library not in used or any(_in(own, room) for room in rooms), f"{own}: {library}"
    assert "matplotlib" not in used or path.name == "pictures.py", f"{own}: matplotlib"
    config = _in(own, "lab.runs") and path.name == "config.py"
    without = config or any(_in(own, room) for room in WITHOUT_JAX)
    assert not (without and "jax" in used), f"{own}: jax"


def _guarded(tree: ast.AST) -> set[int]:
    """Return the ids of nodes in a `try` that handles a missing module or name."""
    guarded = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Try):
            caught = " ".join(ast.unparse(child.type) for child in node.handlers if child.type)
            if "ImportError" in caught and "AttributeError" in caught:
                guarded |= {id(inner) for child in node.body for inner in ast.walk(child)}
    return guarded


def test_private_names_of_libraries_are_used_only_where_their_absence_is_handled():
    private = re.compile(r"(jax|flax|optax|jaxtyping|tyro|numpy|scipy)\.(\w+\.)*_[a-z].*|jaxlib.*")
    uses = []
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
                uses.append(f"{path.relative_to(ROOT)}:{node.lineno} {names}")
    assert uses == []


def test_the_library_names_no_option_of_a_command():
    """The commands do, in place of Python's names: `command_line.as_typed`."""
    option = re.compile(r"(^|[\s(`\"])--[a-z]")
    named = [
        f"{_name(path)}:{node.lineno} {node.value}"
        for path in MODULES
        if not _in(_own(path), "lab")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        if option.search(node.value)
    ]
    assert named == []


def test_no_module_shadows_the_standard_library():
    names = {path.stem for path in MODULES} - {"__init__"}
    assert not names & set(sys.stdlib_module_names)


def test_no_file_is_too_long_to_be_read():
    lengths = {_name(p): len(p.read_text("utf-8").splitlines()) for p in MODULES}
    assert {name: n for name, n in lengths.items() if n > 300} == {}


def test_no_function_is_longer_than_60_lines():
    long = [
        f"{_name(path)}.{node.name}"
        for path in (*MODULES, *sorted((ROOT / "scripts").rglob("*.py")))
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.FunctionDef) and (node.end_lineno or 0) - node.lineno >= 60
    ]
    assert long == []


def _fresh(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    return done.stdout.strip()


def test_importing_the_package_loads_no_jax():
    code = "import sys, jaxemb; print([m for m in ('jax', 'flax', 'optax') if m in sys.modules])"
    assert _fresh(code) == "[]"


def test_preparing_text_loads_no_jax():
    code = "import sys, jaxemb.lab.corpus, jaxemb.lab.command_line; print('jax' in sys.modules)"
    assert _fresh(code) == "False"


INSPECTION = (
    "import numpy, inspect_table; numpy.save('t.npy', numpy.eye(5, 3)); "
    "sys.argv = ['inspect_table.py', 't.npy']; inspect_table.main()"
)


@pytest.mark.parametrize(
    ("code", "most"),
    [
        ("import jaxemb.contextual.reader", 40),
        ("import jaxemb.training.learners", 15),
        ("import numpy, jaxemb; jaxemb.linalg.rank(numpy.eye(3))", 25),
        (INSPECTION, 66),
    ],
)
def test_a_part_loads_little_of_the_whole(code, most, tmp_path):
    here = f"import sys, os; sys.path[:0] = {[str(ROOT), str(ROOT / 'scripts')]}; "
    here += f"os.chdir({str(tmp_path)!r})"
    counted = "print(sum(name.partition('.')[0] == 'jaxemb' for name in sys.modules))"
    assert int(_fresh(f"{here}; {code}; {counted}").splitlines()[-1]) <= most


ROOMS_WITH_STUBS = sorted(path.parent for path in (ROOT / "jaxemb").rglob("__init__.pyi"))


@pytest.mark.parametrize("room", ROOMS_WITH_STUBS, ids=lambda room: str(room.relative_to(ROOT)))
def test_everything_a_door_promises_is_there_and_no_file_hides_it(room):
    door = importlib.import_module(str(room.relative_to(ROOT)).replace("/", "."))
    for name in door.__all__:
        assert getattr(door, name) is not None
        file = (room / f"{name}.py").exists() or (room / name).is_dir()
        module = isinstance(getattr(door, name), types.ModuleType)
        assert module or not file, f"{name}.py would hide {name}"


def test_what_the_front_door_does_not_have_is_an_error():
    import jaxemb

    with pytest.raises(AttributeError, match="jaxemb has no nothing"):
        _ = jaxemb.nothing  # type: ignore[attr-defined]


@pytest.mark.parametrize("room", ["jaxemb", "jaxemb.linalg", "jaxemb.formats", "jaxemb.lab"])
def test_a_door_names_what_is_spelled_like_a_name_it_has_not(room):
    door = importlib.import_module(room)
    for name in door.__all__[:3]:
        with pytest.raises(AttributeError, match=rf"has no {name}x: did you mean .*{name}"):
            getattr(door, f"{name}x")
    with pytest.raises(AttributeError, match=r"has no quite_another_thing$"):
        _ = door.quite_another_thing
    assert not hasattr(door, "_private")
