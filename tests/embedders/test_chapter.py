"""docs/contextual.md: the tests that it names are there."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
CHAPTER = (ROOT / "docs/contextual.md").read_text("utf-8")


def test_every_guarantee_names_a_test_that_is_there():
    tests = "\n".join(p.read_text("utf-8") for p in Path(__file__).parent.glob("test_*.py"))
    named = re.findall(r"`(test_\w+)`", CHAPTER)
    assert len(named) == 8
    assert [name for name in named if f"def {name}(" not in tests] == []
