"""Laws of tables for viewers. Oracles: what the Projector and Embedding Atlas say they read."""

import json

import numpy as np
import pytest

from jaxemb import formats
from jaxemb.errors import FormatError, InputError
from jaxemb.formats import WordVectors
from tests.formats import samples


def test_a_name_with_a_slash_is_a_folder_for_the_projector(tmp_path):
    table = samples.random(0, 7, 4)
    formats.write(f"{tmp_path}/seen/", table)
    rows = (tmp_path / "seen/tensors.tsv").read_text().splitlines()
    numbers = np.array([row.split("\t") for row in rows], np.float32)
    np.testing.assert_array_equal(numbers, table.vectors)
    assert tuple((tmp_path / "seen/metadata.tsv").read_text().splitlines()) == table.words
    (shown,) = json.loads((tmp_path / "seen/config.json").read_text())["embeddings"]
    assert shown["tensorShape"] == [7, 4]
    for key in ("tensorPath", "metadataPath"):
        assert (tmp_path / "seen" / shown[key]).is_file()
    assert formats.recognise(tmp_path / "seen") == "projector"


def test_a_folder_of_other_files_keeps_them_and_one_of_the_projector_is_written_again(tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run/config.json").write_text("{}")
    with pytest.raises(InputError, match="holds other files, which could be lost"):
        formats.write(f"{tmp_path}/run/", samples.random(0, 7, 4))
    assert [p.name for p in (tmp_path / "run").iterdir()] == ["config.json"]
    assert (tmp_path / "run/config.json").read_text() == "{}"
    for seed in (0, 1):
        formats.write(f"{tmp_path}/seen/", samples.random(seed, 7, 4))
    read = formats.read(tmp_path / "seen").vectors
    np.testing.assert_array_equal(read, samples.random(1, 7, 4).vectors)


@pytest.mark.parametrize("word", ["a\tb", " a", "a\nb", "\udcff"])
def test_a_word_that_the_projector_would_show_as_another_is_refused(word, tmp_path):
    table = WordVectors((word, "b"), np.eye(2, dtype=np.float32))
    with pytest.raises(InputError, match="cannot hold the word"):
        formats.write(f"{tmp_path}/seen/", table)


@pytest.mark.parametrize("numbers", ["1\t2\n3\n", "1\tx\n2\t3\n", "", "1\t2\n"])
def test_tensors_that_are_no_table_of_these_words_are_refused(numbers, tmp_path):
    formats.write(f"{tmp_path}/seen/", WordVectors(("a", "b"), np.eye(2, dtype=np.float32)))
    (tmp_path / "seen/tensors.tsv").write_text(numbers)
    with pytest.raises(FormatError):
        formats.read(tmp_path / "seen")


def test_a_parquet_for_embedding_atlas_has_words_and_lists_of_numbers(tmp_path):
    pytest.importorskip("pyarrow")
    import pyarrow.parquet as pq

    table = samples.random(0, 9000, 3)  # of several pieces
    formats.write(tmp_path / "t.parquet", table)
    columns = pq.read_table(tmp_path / "t.parquet").to_pydict()
    assert tuple(columns["word"]) == table.words
    assert columns["row"] == list(range(9000))
    np.testing.assert_array_equal(np.array(columns["vector"], np.float32), table.vectors)
    assert formats.recognise(tmp_path / "t.parquet") == "atlas"


def test_a_parquet_of_other_columns_is_refused(tmp_path):
    pa = pytest.importorskip("pyarrow")
    import pyarrow.parquet as pq

    pq.write_table(pa.table({"word": ["a"]}), tmp_path / "t.parquet")
    with pytest.raises(FormatError, match=r"name the folder"):
        formats.read(tmp_path / "t.parquet")
