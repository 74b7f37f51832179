"""Laws of the reports of measures as values: what they equal, and how their numbers show."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxemb import linalg
from jaxemb.errors import InputError
from jaxemb.evaluation import bundled, intervals
from jaxemb.evaluation.neighbours import Neighbours

TABLE = np.random.default_rng(0).normal(size=(6, 3))
Q = np.linalg.qr(TABLE)[0]
REPORTS = {  # of every class that shows itself, and a field that is a number
    "rank": (lambda: linalg.rank(TABLE), "rank"),
    "spectrum": (lambda: linalg.spectrum(TABLE), "frobenius"),
    "orthogonality": (lambda: linalg.orthogonality(Q), "largest"),
    "coherence": (lambda: linalg.coherence(TABLE), "largest"),
    "one_hot": (lambda: linalg.one_hot(np.arange(3), 4), "rank"),
    "membership": (lambda: linalg.membership(Q[:, 0], Q), "residual"),
    "dependence": (lambda: linalg.dependence(TABLE), "residual"),
    "axes": (lambda: linalg.axes(TABLE), "special"),
    "summary": (lambda: linalg.summary(TABLE), "rows"),
    "estimate": (lambda: intervals.Estimate(0.5, 0.4, 0.6), "value"),
    "neighbours": (lambda: Neighbours("a", ("b",), (0.5,)), "values"),
    "score": (lambda: bundled.Score(0.5, 4, 6), "value"),
}


@pytest.mark.parametrize("name", REPORTS)
def test_a_report_equals_no_number_and_differs_from_none(name):
    report, field = REPORTS[name][0](), REPORTS[name][1]
    for other in (3, 0.5, True, np.float32(3), np.ones(2), jnp.ones(2)):
        for compared in (lambda a, b: a == b, lambda a, b: a != b):
            for sides in ((report, other), (other, report)):
                if isinstance(sides[0], np.ndarray | np.generic | jax.Array):
                    continue  # theirs is entry by entry
                with pytest.raises(InputError, match="is compared with"):
                    compared(*sides)
    assert getattr(report, field) == getattr(report, field)
    assert report != "text"
    assert (report == None) is False  # noqa: E711


def test_numbers_of_a_report_on_the_host_are_plain():
    report, hot = linalg.rank(TABLE), linalg.one_hot(np.arange(3), 4)
    for name in ("rank", "most", "bad_row"):
        assert type(getattr(report, name)) is int
    for name in ("tolerance", "above", "below"):
        assert type(getattr(report, name)) is float
    assert (repr(report.rank), repr(hot.rank), repr(hot.rows)) == ("3", "3", "3")
