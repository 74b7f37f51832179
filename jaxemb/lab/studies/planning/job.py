"""What a training would take that nobody has started: memory, traffic, and time, by arithmetic.

Counted are the arrays of a step as `sharded_training` compiles it: skip-gram, negative sampling,
`learners.row_sparse`. What is in proportion to the rows that a batch reads is counted in passes
over them, as if no cache held anything from one pass to the next; tests hold flops, bytes and
collectives against those of the compiled step.
"""

import enum
import math
from typing import NamedTuple

from jaxemb.errors import InputError, above_zero, at_least
from jaxemb.lab.studies.planning.machines import Machine

# passes over rows [read, dim], as XLA fuses them; a law compares their sum with XLA's own
READ = 2  # from the table, into an array
PRODUCTS = 3  # scores read them; both gradients read them, and one is written
FINITE = 1  # is any gradient not finite?
SCALED = 2  # gradients times the rate
ADDED = 3  # updates are read; rows of the table are read and written
BOUNDED = 9  # repeats summed into zeros (4), norms of the sums (1), scaled twice (4)
SLOT = 11  # AdaGrad: state read (2), squared and added (3), divided by (3), written back (3)
SCORES = 16  # over [centers, outputs]: windows and weights drawn, scores made and summed, sigma
SCORE_ARRAYS = 5  # of them at a time


class Job(NamedTuple):
    """What is to be trained. How many negatives a pair has is a weight, and costs nothing."""

    vocabulary: int
    dim: int
    tokens: int  # in an epoch, after subsampling
    window: int
    block_length: int
    shared_negatives: int
    batch: int  # blocks in a step, of all devices together
    bounded: bool = True  # `cap`, which large steps need: repeats are summed before they are added
    slots: int = 0  # numbers of optimizer state for every number of the tables: AdaGrad 1
    number: int = 4  # bytes of one: float32


class Cut(enum.Enum):
    """How `model` cuts the tables."""

    ROWS = "rows"
    DIM = "dim"
    OWNERS = "rows, sent to their owners"  # not built: what all-to-all would change


class Mesh(NamedTuple):
    """How many devices, and how the tables are cut."""

    data: int
    model: int = 1
    cut: Cut = Cut.ROWS

    @property
    def shards(self) -> int:
        """Into how many the blocks of a batch are divided."""
        return self.data * (1 if self.cut is Cut.DIM else self.model)


class Sent(NamedTuple):
    """One collective of a step, as `collectives.of` reads it from the compiled program."""

    kind: str
    over: str  # "data", "model", or "all"
    bytes: int  # on each device, of the larger side: what it had, or has afterwards


class Memory(NamedTuple):
    """Bytes on each device."""

    tables: int
    optimizer: int
    noise: int  # the alias table, whole on each device
    step: int  # rows read, their gradients, and what came from other devices

    @property
    def total(self) -> int:
        return sum(self)


class Seconds(NamedTuple):
    """Of a step. Each part waits for the one before, so a step takes their sum."""

    products: float
    memory: float
    wire: float
    latency: float

    @property
    def total(self) -> float:
        """Nothing overlaps: what the program does, whose every part needs the last one's result."""
        return sum(self)

    @property
    def largest(self) -> float:
        """Everything overlaps: no program of these operations is faster."""
        return max(self)


def check(job: Job, mesh: Mesh) -> None:
    """Raises InputError for numbers below 1, and for a mesh that cannot divide the job."""
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
    """Numbers of a vector that a device has."""
    return job.dim // mesh.model if mesh.cut is Cut.DIM else job.dim


def rows_bytes(job: Job, mesh: Mesh, blocks: int) -> int:
    """Bytes of the rows of some blocks, as far as a device has them."""
    return blocks * rows_read(job) * width(job, mesh) * job.number


def scores_bytes(job: Job, blocks: int) -> int:
    """Bytes of a number for every center and output of some blocks."""
    return blocks * job.block_length * outputs(job) * job.number


def sent(job: Job, mesh: Mesh) -> list[Sent]:
    """The collectives of a step that grow with the batch, each for both tables together."""
    check(job, mesh)
    ids = 4 * rows_read(job)
    whole, own = rows_bytes(job, mesh, job.batch), rows_bytes(job, mesh, job.batch // mesh.shards)
    group = job.batch // mesh.data
    if mesh.cut is Cut.OWNERS:
        rows = [Sent("all-to-all", "all", own)] * 2  # the rows, and then their gradients
        return [Sent("all-to-all", "all", ids * job.batch // mesh.shards), *rows]
    found = []
    if mesh.cut is Cut.ROWS and mesh.model > 1:
        if mesh.data > 1:  # else those of the batch, which travel once
            found.append(Sent("all-gather", "model", ids * group))
        found.append(Sent("reduce-scatter", "model", rows_bytes(job, mesh, group)))
    if mesh.cut is Cut.DIM and mesh.model > 1:
        found.append(Sent("all-reduce", "model", scores_bytes(job, group)))
        if job.bounded:
            found.append(Sent("all-reduce", "model", job.number * rows_read(job) * job.batch))
    if mesh.shards > 1:
        over = "data" if mesh.shards == mesh.data else "all"
        found += [Sent("all-gather", over, ids * job.batch), Sent("all-gather", over, whole)]
    return found


def received(job: Job, mesh: Mesh) -> int:
    """Bytes over the wire: what each device receives in a step.

    Of n devices, (n - 1) / n of an array, twice if it is summed for all.

    Source:
        Thakur, Rabenseifner, Gropp 2005, "Optimization of Collective Communication Operations in
        MPICH": no algorithm moves less.
    """
    return sum(math.ceil(_received(each, members(mesh, each))) for each in sent(job, mesh))


def members(mesh: Mesh, each: Sent) -> int:
    """How many devices take part in a collective."""
    return {"data": mesh.data, "model": mesh.model, "all": mesh.data * mesh.model}[each.over]


def _received(each: Sent, devices: int) -> float:
    return (1 + (each.kind == "all-reduce")) * each.bytes * (devices - 1) / devices


def memory(job: Job, mesh: Mesh) -> Memory:
    """What a device holds: its part of the tables, and at the height of a step its rows."""
    check(job, mesh)
    rows = job.vocabulary if mesh.cut is Cut.DIM else -(-job.vocabulary // mesh.model)
    tables = 2 * rows * width(job, mesh) * job.number
    buckets = 1 << max((job.vocabulary - 1).bit_length(), 1)
    own = rows_bytes(job, mesh, job.batch // mesh.shards)
    whole = own if mesh.cut is Cut.OWNERS else rows_bytes(job, mesh, job.batch)
    arrays = 1 + job.bounded + 2 * job.slots + (mesh.shards > 1)
    scores = SCORE_ARRAYS * scores_bytes(job, job.batch // mesh.shards)
    scratch = 2 * 4 * rows  # where each row's sum lies
    noise = buckets * 8 + job.vocabulary * 4
    return Memory(tables, tables * job.slots + scratch, noise, own + max(arrays * whole, scores))


def flops(job: Job, mesh: Mesh) -> int:
    """Of the three products of a step, on each device."""
    check(job, mesh)
    blocks = job.batch // mesh.shards
    return 6 * blocks * job.block_length * outputs(job) * width(job, mesh)


def traffic(job: Job, mesh: Mesh) -> int:
    """Bytes that a device reads and writes in its own memory in a step."""
    check(job, mesh)
    blocks = job.batch // mesh.shards
    own = rows_bytes(job, mesh, blocks)
    whole = own if mesh.cut is Cut.OWNERS else rows_bytes(job, mesh, job.batch)
    read = READ * own
    if mesh.cut is Cut.ROWS and mesh.model > 1:  # for all blocks of a group, and then summed
        read = (READ + 1) * rows_bytes(job, mesh, job.batch // mesh.data) + own
    exchanged = own + whole if mesh.shards > 1 else 0
    passes = SCALED + ADDED + BOUNDED * job.bounded + SLOT * job.slots
    scores = SCORES * scores_bytes(job, blocks)
    return read + (PRODUCTS + FINITE) * own + exchanged + passes * whole + scores


def seconds(job: Job, mesh: Mesh, machine: Machine) -> Seconds:
    """What a step takes at the machine's best rates: a bound, not a forecast."""
    rates = {k: v for k, v in machine._asdict().items() if k not in ("name", "source", "latency")}
    above_zero(**rates)
    wire, late = 0.0, 0.0
    for each in sent(job, mesh):
        count, near = members(mesh, each), _near(mesh, each, machine)
        wire += _received(each, near) / machine.link
        # the host's network is shared by the groups on it; each device has a part of it
        wire += _received(each, max(count // near, 1)) / near / machine.between
        late += machine.latency * math.ceil(math.log2(max(count, 2)))
    products = flops(job, mesh) / machine.product_rate
    return Seconds(products, traffic(job, mesh) / machine.memory_rate, wire, late)


def _near(mesh: Mesh, each: Sent, machine: Machine) -> int:
    """How many of a collective's devices share a host: `model` varies first."""
    if each.over == "model":
        return min(mesh.model, machine.per_host)
    if each.over == "data":
        return max(min(mesh.data, machine.per_host // mesh.model), 1)
    return min(mesh.data * mesh.model, machine.per_host)


def epoch(job: Job, step: float) -> float:
    """Seconds of all tokens, if a step takes so many."""
    return job.tokens / (job.batch * job.block_length) * step
