"""Laws of the command `jaxemb`. Oracles: the scripts and configs themselves, as files."""

import ast
import importlib
import json
import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest

import jaxemb
from jaxemb.errors import InputError
from jaxemb.lab import StaticConfig, command, command_line, shipped, vectors

ROOT = Path(__file__).parents[2]
FILES = sorted(path for path in (ROOT / "scripts").glob("*.py") if path.stem != "benchmark")
CONFIGS = sorted((ROOT / "configs").glob("*.py"))
COMMANDS = shipped.commands()


@pytest.fixture
def jaxemb_(monkeypatch, capsys):
    """A function that runs `jaxemb` with arguments; returns its exit code, output and errors."""
    monkeypatch.setenv("COLUMNS", "4000")

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["/somewhere/bin/jaxemb", *arguments])
        with pytest.raises(SystemExit) as stop:
            command.main()
        return (int(stop.value.code or 0), *capsys.readouterr())

    return run


def _first_line(path: Path) -> str:
    docstring = ast.get_docstring(ast.parse(path.read_text("utf-8")))
    assert docstring is not None
    return docstring.splitlines()[0].rstrip(".")


def test_every_script_but_the_benchmarks_is_a_command_told_in_one_line(jaxemb_):
    assert sorted(COMMANDS.values()) == FILES
    code, out, _ = jaxemb_("--help")
    assert code == 0
    for name, path in COMMANDS.items():
        (line,) = (line for line in out.splitlines() if line.split()[:1] == [name])
        assert line.split(maxsplit=1)[1] == _first_line(path)


def test_a_command_is_named_as_its_script_but_inspect():
    names = {path.stem.replace("_", "-") for path in FILES} - {"inspect-table"} | {"inspect"}
    assert set(COMMANDS) == names


def test_no_line_of_the_help_is_wider_than_the_terminal(jaxemb_, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    for arguments in (["--help"], ["configs"]):
        _, out, _ = jaxemb_(*arguments)
        assert max(map(len, out.splitlines())) <= 84


def test_help_and_configs_load_neither_jax_nor_a_script():
    code = (
        "import sys\n"
        "from jaxemb.lab import command\n"
        "sys.argv = ['jaxemb', *sys.argv[1:]]\n"
        "try: command.main()\n"
        "except SystemExit: pass\n"
        "heavy = {'jax', 'flax', 'optax', 'matplotlib'}\n"
        "print([n for n in sys.modules if n in heavy or n.startswith('jaxemb._scripts')])"
    )
    for argument in ("--help", "configs", "--version"):
        command_ = [sys.executable, "-c", code, argument]
        done = subprocess.run(command_, capture_output=True, text=True, check=True, cwd=ROOT)
        assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_a_command_is_its_scripts_under_the_commands_name(
    name, jaxemb_, monkeypatch, capsys
):
    code, out, _ = jaxemb_(name, "--help")
    assert code == 0
    assert out.startswith(f"usage: jaxemb {name} ")
    monkeypatch.setattr(sys, "argv", [f"{COMMANDS[name].name}", "--help"])
    with pytest.raises(SystemExit):
        importlib.import_module(COMMANDS[name].stem).main()
    script = capsys.readouterr().out
    assert out == script.replace(COMMANDS[name].name, f"jaxemb {name}", 1)


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_a_command_names_its_options_and_no_script(name, jaxemb_):
    _, out, _ = jaxemb_(name, "--help")
    assert not re.search(r"scripts/\w+\.py", out)
    function, _ = shipped.parsed(COMMANDS[name])
    if function == "from_command_line":
        assert out.startswith(f"usage: jaxemb {name} CONFIG ")
        assert "corpus.min-count" in out
        assert re.search(r"Defaults: \w+\.", out)


def test_every_config_is_for_the_command_of_its_kind_alone(jaxemb_):
    """Those of polysemy and of architectures have the same settings, and are two kinds."""
    assert "Defaults: polysemy." in jaxemb_("polysemy", "--help")[1]
    code, _, error = jaxemb_("polysemy", "architectures")
    assert code == 2
    assert "or this config for jaxemb compare-embedders" in error
    assert "or this config for jaxemb polysemy" in jaxemb_("compare-embedders", "polysemy")[2]


def test_no_description_of_a_command_or_config_is_cut(jaxemb_, monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    for arguments, paths in ((["--help"], FILES), (["configs"], CONFIGS)):
        _, out, _ = jaxemb_(*arguments)
        for path in paths:
            assert _first_line(path) in " ".join(out.split())
        assert "python" not in out


def test_a_config_of_another_command_names_that_command(jaxemb_):
    for name, other in (("elmo_quickstart", "train-contextual"), ("glove", "factor")):
        code, _, err = jaxemb_("train", name)
        assert code == 2
        assert err.rstrip().endswith(f"or this config for jaxemb {other}")
    _, _, err = jaxemb_("factor", "quickstart")
    assert err.rstrip().endswith("or this config for jaxemb theorem or jaxemb train")


def test_the_run_that_is_wanted_first_is_named_with_its_command(jaxemb_, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, _, err = jaxemb_("neighbors", "runs/quickstart", "war")
    assert code == 2
    assert "jaxemb train quickstart makes it" in err
    with pytest.raises(InputError, match="or name other vectors by --vectors"):
        vectors.rows_of("runs/quickstart", ("a",), 4, named=" by --vectors")


def test_a_config_behind_a_command_has_its_own_help(jaxemb_):
    code, out, _ = jaxemb_("train", "quickstart", "--help")
    assert code == 0
    assert out.startswith("usage: jaxemb train quickstart ")
    assert "--corpus.min-count" in out


def test_a_command_does_what_its_script_does(jaxemb_, tmp_path):
    table = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)
    np.save(tmp_path / "table.npy", table)
    (tmp_path / "words.txt").write_text("a\nb\nc\nd\ne\n")
    arguments = [str(tmp_path / "table.npy"), str(tmp_path / "table.bin")]
    code, out, _ = jaxemb_("convert", *arguments, "--words", str(tmp_path / "words.txt"))
    assert code == 0
    assert "table.bin: 5 x 3\n" in out
    assert out.endswith(f"next:    jaxemb inspect {arguments[1]}\n")
    read = jaxemb.formats.read(tmp_path / "table.bin")
    np.testing.assert_array_equal(read.vectors, table)


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ((), 2, ""),
        (("trian",), 2, "trian: no such command: did you mean train?"),
        (("zzz",), 2, "zzz: no such command; usage: jaxemb COMMAND"),
        (("inspect", "nothing.bin"), 2, "nothing.bin"),
        (("train",), 2, "usage: jaxemb train CONFIG"),
        (("train", "qickstart"), 2, "qickstart: no such config: wanted a file, or a name"),
        (("train", "glove"), 2, "`config` is GloveConfig"),
        (("configs", "qickstart"), 2, "wanted the name of one config: did you mean quickstart"),
        (("configs", "quickstart", "glove"), 2, "wanted the name of one config"),
        (("--tyro-print-completion", "csh"), 2, "--tyro-print-completion bash|zsh|fish"),
        (("--tyro-write-completion", "bash"), 2, "--tyro-write-completion bash|zsh|fish FILE"),
    ],
)
def test_what_cannot_be_called_is_one_line_and_exit_code_2(arguments, code, message, jaxemb_):
    stopped, out, err = jaxemb_(*arguments)
    assert stopped == code
    assert message in err
    assert len(err.strip().splitlines()) == (1 if arguments else 0)
    assert out == "" if arguments else out.startswith("usage: jaxemb COMMAND")


def test_configs_are_listed_with_their_first_line_and_printed_as_they_are(jaxemb_):
    code, out, _ = jaxemb_("configs")
    assert code == 0
    lines = [line.split(maxsplit=1) for line in out.splitlines()]
    assert lines == [[path.stem, _first_line(path)] for path in CONFIGS]
    for path in CONFIGS:
        code, out, _ = jaxemb_("configs", path.stem)
        # as they are, but for the commands of a clone
        assert not re.search(r"python scripts/(?!benchmark)", out)
        kept = [
            re.sub(r"(python scripts/\w+\.py|jaxemb [a-z-]+)", "RUN", text)
            for text in (out, path.read_text("utf-8"))
        ]
        assert code == 0
        assert (
            len({re.sub(r"RUN (configs/)?(\w+?)(\.py)?\b", r"RUN \2", text) for text in kept}) == 1
        )


def _named(name: str, arguments: tuple[str, ...] = ()) -> StaticConfig:
    return command_line.from_command_line(StaticConfig, [name, *arguments])


def test_a_config_is_named_by_its_name_or_by_a_path_with_or_without_py(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    wanted = command_line.load(ROOT / "configs/quickstart.py", StaticConfig)
    for name in ("quickstart", "quickstart.py", str(ROOT / "configs/quickstart")):
        assert _named(name) == wanted
    assert _named("quickstart", ("--dim", "7")).dim == 7
    mine = (ROOT / "configs/quickstart.py").read_text("utf-8").replace("dim=100", "dim=17")
    Path("quickstart.py").write_text(mine)  # a file that is there goes first
    for name in ("quickstart", "quickstart.py", "./quickstart"):
        assert _named(name).dim == 17


@pytest.mark.parametrize("name", ["configs/quickstart.py", "nowhere/quickstart", "", "."])
def test_a_path_that_leads_nowhere_is_no_name(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="no such config: wanted a file, or a name"):
        _named(name)


def test_the_version_is_the_installed_packages_and_is_no_public_name():
    assert jaxemb.__version__ == metadata.version("jaxemb")
    assert "__version__" not in jaxemb.__all__


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_class_of_every_scripts_arguments_is_known_to_the_completion(path):
    function, kind = shipped.parsed(path)
    assert function in ("parse", "from_command_line")
    assert getattr(importlib.import_module(path.stem), kind).__dataclass_fields__


ASKED = """
source "$1"
asked() {
  COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
  _tyro_jaxemb
  printf '%s\\n' "${COMPREPLY[*]}"
}
"""


@pytest.mark.thorough  # every config is loaded: 4 s
def test_bash_completes_commands_configs_options_and_choices(jaxemb_, tmp_path):
    code, _, _ = jaxemb_("--tyro-write-completion", "bash", str(tmp_path / "completion"))
    assert code == 0
    wanted = {
        "tr": {"train", "train-contextual"},
        "train quick": {"quickstart", "quickstart_adagrad", "quickstart_cbow"},
        "factor g": {"glove"},
        "polysemy p": {"polysemy"},
        "configs gl": {"glove"},
        "train quickstart --epo": {"--epochs"},
        "train mine.py --corpus.mi": {"--corpus.min-count"},
        "train subword_skipgram --buck": {"--buckets"},
        "evaluate x --form": {"--formula"},
        "evaluate x --formula ": {"add", "mul"},
    }
    lines = "\n".join(f"asked jaxemb {' '.join(map(json.dumps, q.split(' ')))}" for q in wanted)
    bash = ["bash", "-c", ASKED + lines, "bash", str(tmp_path / "completion")]
    done = subprocess.run(bash, capture_output=True, text=True, check=True)
    assert [set(line.split()) for line in done.stdout.splitlines()] == list(wanted.values())
