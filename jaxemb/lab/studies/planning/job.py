"""Predict memory, traffic and time of a planned training run, by arithmetic.

The arithmetic counts the arrays of a step as `training.sharded` compiles it: skip-gram, negative
sampling, `learners.row_sparse`. Work in proportion to the rows that a batch reads is counted in
passes over them, as if no cache kept anything from one pass to the next. Tests compare flops, bytes
and collectives with those of the compiled step.
"""

import enum
import math
from typing import NamedTuple

from jaxemb.errors import InputError, above_zero, at_least
from jaxemb.lab.studies.planning.machines import Machine

# passes over rows [read, dim], as XLA fuses them; a test compares their sum with XLA's own count
READ = 2  # the table is read, an array written
PRODUCTS = 3  # read for the scores and for both gradients; one gradient is written
FINITE = 1  # gradients are read, to test that they are finite
SCALED = 2  # gradients times the learning rate
ADDED = 3  # updates are read; rows of the table are read and written
BOUNDED = 9  # repeats summed into zeros (4), norms of the sums (1), scaled twice (4)
SLOT = 11  # AdaGrad: state read (2), squared and added (3), divided by (3), written back (3)
SCORES = 16  # over [centers, outputs]: windows and weights drawn, scores made and summed, sigma
SCORE_ARRAYS = 5  # arrays [centers, outputs] in memory at a time


class Job(NamedTuple):
    """A planned training run. The number of negatives per pair is a weight, so it costs nothing."""

    vocabulary: int
    dim: int
    tokens: int  # in an epoch, after subsampling
    window: int
    block_length: int
    shared_negatives: int
    batch: int  # blocks in a step, over all devices
    bounded: bool = True  # with `cap`, as large steps need: repeated rows are summed first
    slots: int = 0  # entries of optimizer state per entry of the tables: 1 for AdaGrad
    number: int = 4  # bytes per entry: float32


class Cut(enum.Enum):
    """How the mesh axis `model` divides the tables."""

    ROWS = "rows"
    DIM = "dim"
    OWNERS = "rows, sent to their owners"  # not built; it shows the effect of all-to-all


class Mesh(NamedTuple):
    """The number of devices on each axis, and how the tables are divided."""

    data: int
    model: int = 1
    cut: Cut = Cut.ROWS

    @property
    def shards(self) -> int:
        """The number of parts into which the blocks of a batch are divided."""
        return self.data * (1 if self.cut is Cut.DIM else self.model)


class Sent(NamedTuple):
    """One collective of a step, as `collectives.of` reads it from the compiled program."""

    kind: str
    over: str  # "data", "model", or "all"
    bytes: int  # on each device: those of the operands or of the results, whichever are more


class Memory(NamedTuple):
    """Bytes of memory on each device."""

    tables: int
    optimizer: int
    noise: int  # the alias table, whole on each device
    step: int  # rows read, their gradients, and arrays received from other devices

    @property
    def total(self) -> int:
        """All bytes on a device."""
        return sum(self)


class Seconds(NamedTuple):
    """The seconds of each part of a step."""

    products: float
    memory: float
    wire: float
    latency: float

    @property
    def total(self) -> float:
        """Time without overlap, as in the program, where each part needs the result of the last."""
        return sum(self)

    @property
    def largest(self) -> float:
        """Time with full overlap: a lower bound for any program of these operations."""
        return max(self)


def check(job: Job, mesh: Mesh) -> None:
    """Raise InputError for numbers below 1, and for a mesh that cannot divide the job."""
    sizes = job._replace(slots=1, bounded=True)._asdict()
    at_least(1, **sizes, data=mesh.data, model=mesh.model)
    at_least(0, slots=job.slots)
    if job.batch % mesh.shards:
        raise InputError(f"batch is {job.batch} blocks; wanted a multiple of {mesh.shards} devices")
    if mesh.cut is Cut.DIM and job.dim % mesh.model:
        raise InputError(f"dim is {job.dim}; cut by dim wants a multiple of model, {mesh.model}")


def outputs(job: Job) -> int:
    """Output rows that a block reads: its centers, the words around them, its noise."""
    return job.block_length + 2 * job.window + job.shared_negatives


def rows_read(job: Job) -> int:
    """Rows that a block reads from both tables."""
    return job.block_length + outputs(job)


def width(job: Job, mesh: Mesh) -> int:
    """Number of entries of a vector that a device holds."""
    return job.dim // mesh.model if mesh.cut is Cut.DIM else job.dim


def rows_bytes(job: Job, mesh: Mesh, blocks: int) -> int:
    """Bytes of the rows of some blocks on a device."""
    return blocks * rows_read(job) * width(job, mesh) * job.number


def scores_bytes(job: Job, blocks: int) -> int:
    """Bytes of one number per center and output of some blocks."""
    return blocks * job.block_length * outputs(job) * job.number


def sent(job: Job, mesh: Mesh) -> list[Sent]:
    """The collectives of a step that grow with the batch; each serves both tables."""
    check(job, mesh)
    ids = 4 * rows_read(job)
    whole, own = rows_bytes(job, mesh, job.batch), rows_bytes(job, mesh, job.batch // mesh.shards)
    group = job.batch // mesh.data
    if mesh.cut is Cut.OWNERS:
        rows = [Sent("all-to-all", "all", own)] * 2  # the rows, and then their gradients
        return [Sent("all-to-all", "all", ids * job.batch // mesh.shards), *rows]
    collectives = []
    if mesh.cut is Cut.ROWS and mesh.model > 1:
        if mesh.data > 1:  # otherwise the all-gather of the whole batch, below, suffices
            collectives.append(Sent("all-gather", "model", ids * group))
        collectives.append(Sent("reduce-scatter", "model", rows_bytes(job, mesh, group)))
    if mesh.cut is Cut.DIM and mesh.model > 1:
        collectives.append(Sent("all-reduce", "model", scores_bytes(job, group)))
        if job.bounded:
            collectives.append(Sent("all-reduce", "model", job.number * rows_read(job) * job.batch))
    if mesh.shards > 1:
        over = "data" if mesh.shards == mesh.data else "all"
        collectives += [Sent("all-gather", over, ids * job.batch), Sent("all-gather", over, whole)]
    return collectives


def received(job: Job, mesh: Mesh) -> int:
    """Bytes that each device receives in a step.

    A collective of n devices receives (n - 1) / n of its array on each, twice that if it sums the
    array on all.

    Source:
        Thakur, Rabenseifner, Gropp 2005, "Optimization of Collective Communication Operations in
        MPICH": no algorithm moves less.
    """
    return sum(
        math.ceil(_received(collective, members(mesh, collective)))
        for collective in sent(job, mesh)
    )


def members(mesh: Mesh, collective: Sent) -> int:
    """The number of devices that take part in a collective."""
    return {"data": mesh.data, "model": mesh.model, "all": mesh.data * mesh.model}[collective.over]


def _received(collective: Sent, devices: int) -> float:
    return (1 + (collective.kind == "all-reduce")) * collective.bytes * (devices - 1) / devices


def memory(job: Job, mesh: Mesh) -> Memory:
    """The memory of each device at the peak of a step: its part of the tables, and its rows."""
    check(job, mesh)
    rows = job.vocabulary if mesh.cut is Cut.DIM else -(-job.vocabulary // mesh.model)
    tables = 2 * rows * width(job, mesh) * job.number
    buckets = 1 << max((job.vocabulary - 1).bit_length(), 1)
    own = rows_bytes(job, mesh, job.batch // mesh.shards)
    whole = own if mesh.cut is Cut.OWNERS else rows_bytes(job, mesh, job.batch)
    arrays = 1 + job.bounded + 2 * job.slots + (mesh.shards > 1)
    scores = SCORE_ARRAYS * scores_bytes(job, job.batch // mesh.shards)
    scratch = 2 * 4 * rows  # the position of each row's sum
    noise = buckets * 8 + job.vocabulary * 4
    return Memory(tables, tables * job.slots + scratch, noise, own + max(arrays * whole, scores))


def flops(job: Job, mesh: Mesh) -> int:
    """Floating-point operations of the three matrix products of a step, on each device."""
    check(job, mesh)
    blocks = job.batch // mesh.shards
    return 6 * blocks * job.block_length * outputs(job) * width(job, mesh)


def traffic(job: Job, mesh: Mesh) -> int:
    """Bytes that a device reads from and writes to its memory in a step."""
    check(job, mesh)
    blocks = job.batch // mesh.shards
    own = rows_bytes(job, mesh, blocks)
    whole = own if mesh.cut is Cut.OWNERS else rows_bytes(job, mesh, job.batch)
    read = READ * own
    if (
        mesh.cut is Cut.ROWS and mesh.model > 1
    ):  # the rows of all blocks of a group, which are then summed
        read = (READ + 1) * rows_bytes(job, mesh, job.batch // mesh.data) + own
    exchanged = own + whole if mesh.shards > 1 else 0
    passes = SCALED + ADDED + BOUNDED * job.bounded + SLOT * job.slots
    scores = SCORES * scores_bytes(job, blocks)
    return read + (PRODUCTS + FINITE) * own + exchanged + passes * whole + scores


def seconds(job: Job, mesh: Mesh, machine: Machine) -> Seconds:
    """The time of a step at the machine's best rates: a lower bound, not a forecast."""
    rates = {k: v for k, v in machine._asdict().items() if k not in ("name", "source", "latency")}
    above_zero(**rates)
    wire, late = 0.0, 0.0
    for collective in sent(job, mesh):
        count, near = members(mesh, collective), _near(mesh, collective, machine)
        wire += _received(collective, near) / machine.link
        # the groups on a host share its network; each device has a part of it
        wire += _received(collective, max(count // near, 1)) / near / machine.between
        late += machine.latency * math.ceil(math.log2(max(count, 2)))
    products = flops(job, mesh) / machine.product_rate
    return Seconds(products, traffic(job, mesh) / machine.memory_rate, wire, late)


def _near(mesh: Mesh, collective: Sent, machine: Machine) -> int:
    """The number of a collective's devices that share a host; hosts are filled along `model`."""
    if collective.over == "model":
        return min(mesh.model, machine.per_host)
    if collective.over == "data":
        return max(min(mesh.data, machine.per_host // mesh.model), 1)
    return min(mesh.data * mesh.model, machine.per_host)


def epoch(job: Job, step: float) -> float:
    """Seconds per epoch, if a step takes `step` seconds."""
    return job.tokens / (job.batch * job.block_length) * step
