"""What a config hands to an objective. Oracles: arguments seen by a function of one's own."""

import dataclasses

import pytest

from jaxemb import command_line, learners
from jaxemb.config import Corpus, StaticConfig
from jaxemb.errors import InputError


def _plain(*, window, dim):
    return {"window": window, "dim": dim}


def _slanted(*, window, slant):
    return {"window": window, "slant": slant}


@dataclasses.dataclass(frozen=True)
class Slanted(StaticConfig):
    slant: float = 0.5
    """One more setting."""


def _config(kind, objective, **settings):
    return kind(Corpus(), "nowhere", objective, learners.row_sparse, **settings)


def test_an_objective_gets_the_settings_that_it_names():
    config = _config(StaticConfig, _plain, window=3, dim=7)
    assert config.build_objective() == {"window": 3, "dim": 7}


def test_a_subclass_with_one_more_field_hands_it_over_and_the_command_line_sets_it():
    config = _config(Slanted, _slanted, slant=0.25)
    assert config.build_objective() == {"window": 5, "slant": 0.25}
    config = command_line.parse(Slanted, ["--slant", "2", "--window", "4"], default=config)
    assert config.build_objective() == {"window": 4, "slant": 2.0}


def test_what_is_none_is_left_to_the_objective():
    def rule(*, collision=max):
        return collision

    assert _config(StaticConfig, rule).build_objective() is max
    assert _config(StaticConfig, rule, collision=min).build_objective() is min


def test_an_objective_that_takes_any_setting_gets_those_that_were_changed():
    config = _config(StaticConfig, lambda **settings: settings, window=3, mean=max, epochs=9)
    assert config.build_objective() == {"window": 3, "mean": max}


@pytest.mark.parametrize("name", ["negatives", "noise_power", "collision", "mean"])
def test_a_setting_that_the_objective_has_no_use_for_is_refused(name):
    with pytest.raises(InputError, match=f"{name} is 9, but .*_plain has no {name}"):
        _config(StaticConfig, _plain, **{name: 9}).build_objective()
