"""Every jitted program of the project, as one list of named functions: what is called with what."""

from benchmarks.ahead.programs import contextual, counts, linalg, mesh, static
from benchmarks.ahead.programs.calls import Program

ALL: dict[str, Program] = (
    static.PROGRAMS | mesh.PROGRAMS | linalg.PROGRAMS | counts.PROGRAMS | contextual.PROGRAMS
)
# jitted functions that are no programs of their own
PARTS = {
    "static.tables._uniform": "the random tables before the first step",
    "functional.finite.all_finite": "compiled into every training step",
    "training.mesh.begin": "the initial tables, with a layout",
    "training.optimizers._probe": "tries an optimizer on three rows while a learner is made",
    "training.optimizers._along": "the same for whole tables",
}
