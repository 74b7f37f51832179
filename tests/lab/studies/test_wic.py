"""Laws of WiC scores. Oracle: planted vectors, whose accuracy is known."""

import json

import numpy as np
import pytest

from jaxemb.errors import InputError
from jaxemb.evaluation import polysemy
from jaxemb.lab.studies.context import wic
from jaxemb.lab.studies.context.tokens import Source

LINES = [
    ("bank river bank", "the river bank", True),
    ("a money bank", "the bank money", True),
    ("bank river", "bank money", False),
    ("money bank", "river a bank", False),
]


def _split(folder, repeat: int = 10, name: str = "dev"):
    rows = LINES * repeat
    lines = [
        f"bank\tN\t{a.split().index('bank')}-{b.split().index('bank')}\t{a}\t{b}"
        for a, b, _ in rows
    ]
    (folder / f"{name}.data.txt").write_text("\n".join(lines) + "\n")
    (folder / f"{name}.gold.txt").write_text("".join("FT"[same] + "\n" for *_, same in rows))
    return wic.read(folder / f"{name}.data.txt")


def _source(model, knows=lambda word: True) -> Source:
    """Layer 0 has one vector for all tokens; layer 1 tells sentences with "river" from others."""

    def vectors(texts):
        for i, sentence in enumerate(texts):
            place = "river" in sentence
            row = [[1.0, 0.0], [float(place), float(not place)]]
            yield i, np.repeat(np.array(row, np.float32)[:, None], len(sentence), axis=1)

    return Source("planted", 2, 2, knows, vectors, model)


@pytest.mark.parametrize("trained", [True, False], ids=["a training split", "halves"])
def test_a_layer_that_sees_the_context_is_right_and_one_that_does_not_is_at_chance(
    tmp_path, trained
):
    test = _split(tmp_path)
    train = _split(tmp_path, name="train") if trained else None
    scores = wic.score(_source(object()), test, train)
    blind, seeing = (layer.accuracy for layer in scores.layers)
    assert (seeing.value, seeing.high) == (1, 1)
    assert 0.9 < seeing.low < 1  # Wilson's: 40 / (40 + 1.96^2)
    assert 0.3 <= blind.value <= 0.6  # in uneven halves the other half's majority answer is wrong
    assert (scores.pairs, scores.unknown) == (40, 0)


def test_static_vectors_leave_out_pairs_of_unknown_words_and_language_models_do_not(tmp_path):
    test, knows = _split(tmp_path), lambda word: word != "bank"
    assert wic.compared(_source(object(), knows), test)[1] == 0
    pairs, left_out = wic.compared(_source(None, knows), test)
    assert left_out == 40
    assert all(len(layer.cosine) == 0 for layer in pairs)


@pytest.mark.parametrize("fold", [True, False])
def test_an_unknown_word_is_read_in_lower_case_if_asked(tmp_path, fold):
    test = _split(tmp_path)
    upper = test._replace(left=tuple(tuple(map(str.upper, text)) for text in test.left))
    _, left_out = wic.compared(_source(None, str.islower), upper, fold)
    assert left_out == (0 if fold else 40)


def test_each_half_is_tried_at_the_threshold_of_the_other():
    random = np.random.default_rng(0)
    same = random.random(400) < 0.5
    cosine = np.where(same, 0.5, -0.5) + 0.3 * random.normal(size=400)
    pairs = polysemy.Compared(cosine, same)
    halves, best = polysemy.wic_halves(pairs), polysemy.wic_accuracy(pairs, pairs)
    assert abs(halves.threshold) < 0.2
    assert halves.accuracy.value <= best.accuracy.value
    assert halves.accuracy.value > best.accuracy.value - 0.03
    # random cosines are right half of the time; with a threshold chosen on itself, a half of 10
    # pairs is right two times in three
    blind = [polysemy.Compared(random.normal(size=20), np.arange(20) % 2 == 0) for _ in range(100)]
    mean = np.mean([polysemy.wic_halves(pairs).accuracy.value for pairs in blind])
    assert 0.4 < mean < 0.55


def test_labels_lie_beside_the_file(tmp_path):
    _split(tmp_path)
    (tmp_path / "dev.gold.txt").unlink()
    with pytest.raises(InputError, match=r"dev\.data\.txt: no labels beside it"):
        wic.read(tmp_path / "dev.data.txt")
    with pytest.raises(InputError, match=r"wanted NAME\.data\.txt and NAME\.gold\.txt"):
        wic.read(tmp_path / "dev.gold.txt")


def test_the_report_names_every_layer_of_every_source(tmp_path):
    test = _split(tmp_path)
    scores = [wic.score(_source(object()), test), wic.score(_source(None), test)]
    text = wic.write(tmp_path, test, None, scores)
    assert sum(line.startswith("| planted |") for line in text.splitlines()) == 4
    values = json.loads((tmp_path / "wic.json").read_text())
    assert [layer["value"] for layer in values["sources"][0]["layers"]][1] == 1
    assert (tmp_path / "wic.md").read_text() == text
