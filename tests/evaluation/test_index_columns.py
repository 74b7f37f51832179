"""An index column is no column of words."""

import pytest

from jaxemb.evaluation import datasets


@pytest.mark.parametrize("name", ["id", "ID", "index"])
def test_a_column_of_identifiers_is_no_word(tmp_path, name):
    path = tmp_path / "pairs.csv"
    path.write_text(f"{name},word1,word2,score\na1,king,queen,7.5\na2,man,woman,8\n", "utf-8")
    pairs = datasets.pairs(path)
    assert (pairs.left, pairs.right) == (("king", "man"), ("queen", "woman"))
