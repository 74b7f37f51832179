"""Programs of word vectors: objectives, learners, sizes of a step, and what is measured."""

from collections.abc import Callable
from typing import Any

import jax
import optax

from benchmarks import _together
from benchmarks.ahead.programs.calls import KEY, Call, Place, Program, float32, int32, shapes
from jaxemb.lab.runs.static import chips
from jaxemb.static import hierarchical, objectives, optimum, softmaxes, subwords, tables
from jaxemb.structs import InOut, Objective
from jaxemb.training import ensembles, learners, loop, monitor

ROWS = 100_000
CHUNK = 32_768  # tokens in one jitted call, at least four steps
STEP = "training.loop._train_chunk"
# tokens a step and cap that accelerators are advised to use
ADVISED: dict[str, Any] = {"tokens": chips.TOKENS, "cap": chips.CAP}


def planned(
    place: Place, objective: Objective, *, dim: int, tokens: int, words: int, learner: Any, how: Any
):
    """The plan of a training, its resources, its rows, and the shape of a chunk's text."""
    vocab = _together.zipf_vocab(place.size(words, 500))
    reads = objective.reads
    batch = max(place.size(tokens, 64) // reads.block_length, 1)
    steps = max(CHUNK // tokens, 4)
    made = learner(objective, **how)
    plan = loop.Plan(jax.random.key(0), objective, made, dim, 1, 0.025, batch, steps)
    resources, rows = objective.prepare(vocab)
    texts = int32(steps, batch, reads.block_length + 2 * reads.halo)
    return plan, shapes(resources), rows, texts


def trained(
    build: Callable[..., Objective],
    dim: int,
    tokens: int,
    *,
    words: int = ROWS,
    learner: Any = learners.row_sparse,
    settings: dict[str, Any] | None = None,
    **how: Any,
) -> Callable[[Place], Call]:
    """A chunk of training steps; `how` goes to the learner, `settings` to the objective."""

    def call(place: Place) -> Call:
        objective = build(**settings or {})
        sizes = {"dim": dim, "tokens": tokens, "words": words, "learner": learner, "how": how}
        plan, resources, rows, texts = planned(place, objective, **sizes)
        state = jax.eval_shape(lambda: loop.start(plan, rows))
        arguments = (
            state,
            KEY,
            int32(),
            None,  # a whole chunk
            texts,
            float32(texts.shape[0]),
        )
        return Call(
            loop._train_chunk,
            (*arguments, resources, None),
            {"objective": objective, "learner": plan.learner},
            (rows.input, dim),
            plan.batch * objective.reads.block_length,
        )

    return call


def loss(dim: int, *, chunk: bool) -> Callable[[Place], Call]:
    """The loss of the first step, or of a chunk of held-out text."""

    def call(place: Place) -> Call:
        objective = objectives.skipgram()
        how = {"dim": dim, "tokens": 512, "words": ROWS, "learner": learners.row_sparse, "how": {}}
        plan, resources, rows, texts = planned(place, objective, **how)
        whole = jax.eval_shape(lambda: loop.start(plan, rows)).tables
        one = int32(*texts.shape[1:])
        function, read = (monitor._held_out, texts) if chunk else (loop._first_loss, one)
        turn = (None,) if chunk else ()
        arguments = (whole, KEY, int32(), read, resources, *turn)
        return Call(function, arguments, {"objective": objective}, (rows.input, dim))

    return call


def together(first: bool) -> Callable[[Place], Call]:
    """Four models in one program."""

    def call(place: Place) -> Call:
        objective = objectives.skipgram()
        how = {"dim": 64, "tokens": 512, "words": 10_000, "learner": learners.row_sparse, "how": {}}
        plan, resources, rows, texts = planned(place, objective, **how)
        four = ensembles.Members((0, 1, 2, 3), (0.025,) * 4, (64,) * 4)
        state = jax.eval_shape(lambda: ensembles.program(four, plan).start(rows))
        keys, number = jax.ShapeDtypeStruct((4,), KEY.dtype), int32()
        if first:
            arguments = (state.tables, keys, number, int32(*texts.shape[1:]), resources)
            return Call(ensembles._first_losses, arguments, {"objective": objective})
        rates = float32(4, texts.shape[0])
        arguments = (state, keys, number, None, texts, rates, resources, None)
        functions = {"objective": objective, "learner": plan.learner}
        return Call(ensembles._chunks, arguments, functions)

    return call


def composed(place: Place) -> Call:
    """The vector of every word from its n-grams."""
    objective = subwords.subword_skipgram(buckets=200_000)
    resources, rows = objective.prepare(_together.zipf_vocab(place.size(20_000, 500)))
    return Call(subwords._composed, (float32(rows.input, 128), shapes(resources.bags)))


def measured(place: Place, *members: int) -> InOut:
    table = float32(*members, place.size(ROWS, 500), 100)
    return InOut(table, table)


def optimal(place: Place) -> Call:
    words = place.size(10_000, 100)
    arguments = (float32(100, words), float32(), float32(words))
    return Call(optimum._scores, arguments, {"rule": optimum.keep})


NGRAMS = {"settings": {"buckets": 200_000}, "words": 20_000}
SKIPGRAM, CBOW = objectives.skipgram, objectives.cbow
QUICK: dict[str, Callable[[Place], Call]] = {
    "skip-gram 100": trained(SKIPGRAM, 100, 512),
    "skip-gram 128": trained(SKIPGRAM, 128, 512),
    "skip-gram 128, advised": trained(SKIPGRAM, 128, **ADVISED),
    "skip-gram 128 of a million words, advised": trained(SKIPGRAM, 128, **ADVISED, words=1_000_000),
    "CBOW 128": trained(CBOW, 128, 512),
    "CBOW 128, advised": trained(CBOW, 128, **ADVISED),
    "skip-gram 128, AdaGrad": trained(SKIPGRAM, 128, 512, optimizer=learners.adagrad),
    "skip-gram 128, sorted": trained(SKIPGRAM, 128, 512, ops=tables.SORTED),
    "skip-gram 128, dense": trained(SKIPGRAM, 128, 512, learner=learners.dense),
}
OTHERS: dict[str, Callable[[Place], Call]] = {
    "skip-gram 300": trained(SKIPGRAM, 300, 512),
    "skip-gram 300, advised": trained(SKIPGRAM, 300, **ADVISED),
    "skip-gram 512": trained(SKIPGRAM, 512, 512),
    "CBOW 100": trained(CBOW, 100, 512),
    "CBOW 300": trained(CBOW, 300, 512),
    "CBOW 512": trained(CBOW, 512, 512),
    "skip-gram 128, 65,536 tokens": trained(SKIPGRAM, 128, 65_536, cap=0.25),
    "CBOW 128, 65,536 tokens": trained(CBOW, 128, 65_536, cap=0.25),
    "skip-gram 128, advised, AdaGrad": trained(
        SKIPGRAM, 128, **ADVISED, optimizer=learners.adagrad
    ),
    "skip-gram 128, dense Adam": trained(
        SKIPGRAM, 128, 512, learner=learners.dense, optimizer=optax.scale_by_adam()
    ),
    "skip-gram, hierarchical softmax 128": trained(
        hierarchical.skipgram_hs, 128, 512, words=20_000, cap=0.25
    ),
    "CBOW, hierarchical softmax 128": trained(
        hierarchical.cbow_hs, 128, 512, words=20_000, cap=0.25
    ),
    "skip-gram, subwords 128": trained(subwords.subword_skipgram, 128, 512, **NGRAMS),
    "CBOW, subwords 128": trained(subwords.subword_cbow, 128, 512, **NGRAMS),
    "skip-gram, subwords 128, advised": trained(
        subwords.subword_skipgram, 128, **ADVISED, **NGRAMS
    ),
    "skip-gram, NCE 128": trained(softmaxes.skipgram_nce, 128, 512),
    "CBOW, NCE 128": trained(softmaxes.cbow_nce, 128, 512),
    "skip-gram, softmax 128": trained(softmaxes.skipgram_softmax, 128, 256, words=5_000),
    "CBOW, softmax 128": trained(softmaxes.cbow_softmax, 128, 256, words=5_000),
}
PROGRAMS = {f"static/{name}": Program(build, STEP, True) for name, build in QUICK.items()}
PROGRAMS |= {f"static/{name}": Program(build, STEP) for name, build in OTHERS.items()}
PROGRAMS |= {
    "static/first loss 100": Program(loss(100, chunk=False), "training.loop._first_loss"),
    "static/held-out loss 100": Program(loss(100, chunk=True), "training.monitor._held_out"),
    "static/measures 100": Program(
        lambda place: Call(monitor.measure, (measured(place),), table=(ROWS, 100)),
        "training.monitor.measure",
    ),
    "static/longest row": Program(
        lambda place: Call(monitor.largest_norm, (measured(place),), table=(ROWS, 100)),
        "training.monitor.largest_norm",
    ),
    "static/four models": Program(together(first=False), "training.ensembles._chunks"),
    "static/four models, first loss": Program(
        together(first=True), "training.ensembles._first_losses"
    ),
    "static/four models, measures": Program(
        lambda place: Call(ensembles.measure, (measured(place._replace(small=True), 4),)),
        "training.ensembles.measure",
    ),
    "static/words of n-grams": Program(composed, "static.subwords._composed"),
    "static/optimal scores": Program(optimal, "static.optimum._scores"),
}
