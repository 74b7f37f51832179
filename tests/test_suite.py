"""Laws of the suite: which parameters it selects, how long it waits, what its mutants change."""

import ast
import itertools
import os
import time
from pathlib import Path

import pytest

from tests import covering, mutation, patience, planted

ROOT = Path(__file__).parents[1]
LISTS = [(7,), (5, 3), (3, 3, 3), (2, 4, 3, 2)]


@pytest.mark.parametrize("lengths", LISTS)
def test_every_value_is_met_and_of_three_lists_or_more_every_pair(lengths):
    rows = list(itertools.product(*map(range, lengths)))
    chosen = [rows[i] for i in covering.design(rows)]
    size = 2 if len(lengths) > 2 else 1
    for columns in itertools.combinations(range(len(lengths)), size):
        met = {tuple(row[i] for i in columns) for row in chosen}
        assert met == set(itertools.product(*(range(lengths[i]) for i in columns)))
    assert len(lengths) == 1 or len(chosen) < len(rows)


def test_a_law_without_parameters_and_lists_that_go_together_are_run_in_full():
    assert covering.design([()]) == [0]
    assert covering.design([(i, i) for i in range(4)]) == [0, 1, 2, 3]
    assert covering.design([]) == []


def test_what_is_left_out_by_default_is_marked_and_nothing_is_lost():
    for parameters in (covering.first(2, "abcd"), covering.every(3, "abcd")):
        values = [getattr(parameter, "values", (parameter,)) for parameter in parameters]
        assert [value for (value,) in values] == list("abcd")
        full = [parameter for parameter in parameters if hasattr(parameter, "marks")]
        assert len(full) == 2
        assert all(mark.name == "thorough" for parameter in full for mark in parameter.marks)


def test_a_busy_machine_is_waited_for_and_an_endless_one_is_not(monkeypatch):
    monkeypatch.setattr(os, "getloadavg", lambda: (0.0, 0.0, 0.0))
    idle = patience.seconds(1)
    monkeypatch.setattr(os, "getloadavg", lambda: (4.0 * (os.cpu_count() or 1), 0.0, 0.0))
    assert patience.seconds(1) == pytest.approx(4 * idle)
    monkeypatch.setattr(patience, "seconds", lambda idle: idle)
    with pytest.raises(patience.Endless, match="it still runs after"), patience.at_most(0.05):
        time.sleep(600)


def test_a_small_change_is_one_and_leaves_a_program():
    """In every file of a room, each change gives another syntax tree, and no change comes twice."""
    for file in sorted((ROOT / "jaxemb/functional").glob("*.py")):
        text, changes = file.read_bytes(), list(mutation.changes(file))
        before = ast.dump(ast.parse(text))
        for change in changes:
            assert ast.dump(ast.parse(change.of(text))) != before, change
        assert len({(one.start, one.new) for one in changes}) == len(changes)


def test_a_sample_is_its_seeds_and_no_change_comes_twice():
    one, same, other = (mutation.sample(ROOT / "jaxemb", 50, seed) for seed in (1, 1, 2))
    assert one == same != other
    assert len(set(one)) == 50


def test_every_planted_fault_finds_its_place_and_its_law():
    for name, mutant in planted.MUTANTS.items():
        assert mutant.old in (ROOT / "jaxemb" / mutant.file).read_text("utf-8"), name
        path, law = mutant.law.split("::")
        assert law.partition("[")[0] in (ROOT / path).read_text("utf-8"), name
