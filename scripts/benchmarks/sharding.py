"""Measure what devices exchange in one training step, for each mesh, on virtual CPU devices.

Usage: XLA_FLAGS=--xla_force_host_platform_device_count=4 \
           python scripts/benchmark.py sharding [--vocab 100000] [--dim 100]

Reads the collectives of the compiled program, and computes for comparison the sizes of a batch's
row gradients, row ids and scores, and of a table. Nothing is trained: the numbers do not depend on
the machine. Writes sharding.json.
"""

import dataclasses

import jax
import jax.numpy as jnp
from jax.sharding import PartitionSpec as P

from benchmarks import _together
from jaxemb import objectives
from jaxemb.lab import command_line
from jaxemb.lab.studies.planning import collectives
from jaxemb.training import learners, loop, mesh as sharding, sharded
from jaxemb.training.sharded import Sharded

BUILD = {"skipgram": objectives.skipgram, "cbow": objectives.cbow}


@dataclasses.dataclass(frozen=True)
class Settings:
    """Sizes of a training step, and the meshes to compile it for."""

    vocab: int = 100_000
    dim: int = 100
    batch: int = 32
    """Blocks per step."""
    meshes: tuple[str, ...] = (
        "data=4 rows",
        "model=4 rows",
        "model=4 dim",
        "data=2,model=2 rows",
        "data=2,model=2 dim",
    )
    folder: str = _together.FOLDER


def main(arguments: list[str]) -> None:
    settings = command_line.parse(Settings, arguments)
    rows = []
    for name in BUILD:
        for mesh in settings.meshes:
            rows.append(_row(settings, name, mesh))
            shown = _together.table(rows).splitlines()
            print("\n".join(shown if len(rows) == 1 else shown[-1:]))
    _together.write("sharding", settings, rows, settings.folder)


def _row(settings: Settings, name: str, layout: str) -> dict:
    mesh, _, cut = layout.partition(" ")
    objective, on = BUILD[name](), Sharded(sharding.parse(mesh), cut == "dim")
    compiled, read, scores = _compiled(settings, objective, on)
    transfers = collectives.of(compiled)
    costs = compiled.cost_analysis() or {}
    return {
        "objective": name,
        "mesh": mesh,
        "cut": cut,
        "collectives": len(transfers),
        "KB sent or had, in all": round(sum(transfer.bytes for transfer in transfers) / 1e3, 1),
        "KB, the largest": round(max(transfer.bytes for transfer in transfers) / 1e3, 1),
        "KB of row gradients": round(read * settings.dim * 4 / 1e3, 1),
        "KB of ids": round(read * 4 / 1e3, 1),
        "KB of scores": round(scores * 4 / 1e3, 1),
        "KB of a table": round(settings.vocab * settings.dim * 4 / 1e3),
        "KB touched": round(costs.get("bytes accessed", float("nan")) / 1e3),
        "by": ", ".join(f"{transfer.kind} {' '.join(transfer.shapes)}" for transfer in transfers),
    }


def _compiled(settings: Settings, objective, on: Sharded):
    """Compile one step; return it with the number of rows that a batch reads and of its scores."""
    learner, reads = learners.row_sparse(objective), objective.reads
    plan = loop.Plan(
        jax.random.key(0), objective, learner, settings.dim, 1, 0.025, settings.batch, 1
    )
    resources, rows = objective.prepare(_together.zipf_vocab(settings.vocab))
    start = lambda: loop.start(plan, rows)  # noqa: E731
    state = jax.tree.map(
        lambda leaf, layout: jax.ShapeDtypeStruct(
            (leaf.shape[0] + -leaf.shape[0] % sharding.PADDED, *leaf.shape[1:])
            if leaf.shape
            else (),
            leaf.dtype,
            sharding=layout,
        ),
        jax.eval_shape(start),
        sharding.lies(sharded.placement(on), jax.eval_shape(start)),
    )
    shape = (1, settings.batch, reads.block_length + 2 * reads.halo)
    into = jax.NamedSharding(on.mesh, P(None, on.of_batch))
    texts = jax.ShapeDtypeStruct(shape, jnp.int32, sharding=into)
    run = sharded.steps(on, plan)
    compiled = run.lower(state, 0, 1, texts, jnp.zeros(1), resources, None).compile()
    random = jax.ShapeDtypeStruct((reads.bits,), jnp.uint32)
    block = jax.eval_shape(
        objective.draw, random, jax.ShapeDtypeStruct(shape[2:], jnp.int32), resources
    )
    read = settings.batch * sum(ids.size for ids in block.ids)
    return compiled, read, settings.batch * block.weight.size
