"""Laws of what is published: version, address, authors, license, forms, public CI, hooks."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
PROJECT = PYPROJECT["project"]
CITATION = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
RUN = (ROOT / ".ci/run").read_text("utf-8")
HOOKS = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text("utf-8"))["repos"]
TEMPLATES = ROOT / ".github/ISSUE_TEMPLATE"


def test_version_and_date_are_those_of_the_changelogs_first_heading():
    heading = re.search(r"^## (.*)$", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
    assert heading
    assert heading[1] == f"{CITATION['version']} ({CITATION['date-released']})"
    assert CITATION["version"] == PROJECT["version"]


def test_name_authors_and_words_about_it_are_the_same():
    assert CITATION["title"] == PROJECT["name"]
    assert CITATION["abstract"] == PROJECT["description"] + "."
    assert CITATION["authors"] == PROJECT["authors"]


def test_every_address_begins_with_that_of_the_repository():
    repository = PROJECT["urls"]["Repository"]
    assert repository == CITATION["repository-code"]
    files = [ROOT / "pyproject.toml", ROOT / "CITATION.cff", *(ROOT / ".github").rglob("*.*")]
    for file in files:
        for address in re.findall(r"https?://[^\s\"')]+", file.read_text("utf-8")):
            assert address.startswith(repository), (file, address)


def test_the_license_is_named_everywhere():
    assert PROJECT["license-files"] == ["LICENSE"]
    assert PROJECT["license"] == CITATION["license"] == "Apache-2.0"
    first = (ROOT / "LICENSE").read_text("utf-8").split("\n\n")[0]
    assert re.fullmatch(r"\s+Apache License\s+Version 2\.0, .*\s+.*", first)
    assert "[Apache-2.0](LICENSE)" in (ROOT / "README.md").read_text("utf-8")


def test_a_hook_runs_what_ci_runs():
    entries = [hook["entry"] for repository in HOOKS for hook in repository["hooks"]]
    assert len(entries) == 4
    for entry in entries:
        assert re.search(
            rf"^{re.escape(entry.replace(' --force-exclude', ''))}\b", RUN, re.MULTILINE
        )


def test_the_public_ci_calls_the_projects_own_on_every_python_that_is_promised():
    text = (ROOT / ".github/workflows/ci.yml").read_text("utf-8")
    workflow = yaml.safe_load(text)
    (job,) = workflow["jobs"].values()
    assert [step["run"] for step in job["steps"] if "run" in step] == [".ci/run"]
    promised = [
        name.rpartition(" ")[2]
        for name in PROJECT["classifiers"]
        if re.fullmatch(r"Programming Language :: Python :: 3\.\d+", name)
    ]
    assert job["strategy"]["matrix"]["python"] == promised
    assert workflow["permissions"] == {"contents": "read"}
    assert "upload" not in text
    assert "secrets" not in text


@pytest.mark.parametrize("file", sorted(TEMPLATES.glob("[!c]*.yml")), ids=lambda file: file.name)
def test_a_form_has_a_name_and_each_field_a_label_of_its_own(file):
    form = yaml.safe_load(file.read_text("utf-8"))
    assert form["name"]
    assert form["description"]
    fields = [field for field in form["body"] if field["type"] != "markdown"]
    assert len({field["id"] for field in fields}) == len(fields)
    assert len({field["attributes"]["label"] for field in fields}) == len(fields)
    assert any(field.get("validations", {}).get("required") for field in fields)
