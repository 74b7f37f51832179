"""The tables of docs/scale.md, as Markdown."""

from collections.abc import Sequence

from jaxemb.errors import InputError
from jaxemb.lab import report
from jaxemb.lab.studies.planning import job as planning, machines
from jaxemb.lab.studies.planning.job import Cut, Job, Mesh
from jaxemb.lab.studies.planning.machines import Machine
from jaxemb.training.mesh_sizes import PARTS

# docs/speed.md, "Large steps": 65,536 tokens per step, dim 100; seconds per token without and with
# cap (the sizes of vocabulary and corpus do not affect what is compared)
BIG_STEP = Job(1, 100, 1, 5, 16, 22, 4_096)
TIMED = {False: 1 / 255_575, True: 1 / 216_200}

# a step that a test can compile, yet large compared with what does not grow with the batch
SMALL = Job(
    vocabulary=128,
    dim=64,
    tokens=1,
    window=2,
    block_length=32,
    shared_negatives=32,
    batch=32,
)
SMALL_MESHES = (Mesh(4), Mesh(1, 4), Mesh(1, 4, Cut.DIM), Mesh(2, 2, Cut.DIM))


def meshes(job: Job, machine: Machine) -> list[Mesh]:
    """Meshes worth comparing: tables in 4 parts, in 8, and in as many as possible.

    Division by dim stops where a part of a row no longer fills a line of the machine's memory.
    """
    count = machine.devices
    fill = max(job.dim * job.number // machine.line, 1)
    rows = {size for size in (4, 8, count) if count % size == 0 and PARTS % size == 0}
    dims = {size for size in (4, 8, fill) if count % size == 0 and job.dim % size == 0}
    return [
        Mesh(count),
        *(Mesh(count // size, size) for size in sorted(rows)),
        *(Mesh(count // size, size, Cut.DIM) for size in sorted(dims) if 1 < size <= fill),
        Mesh(1, count, Cut.OWNERS),
    ]


def of_machine(job: Job, machine: Machine) -> str:
    """The table of a machine: memory, bytes received and time of each mesh."""
    rows = []
    for mesh in meshes(job, machine):
        held, took = planning.memory(job, mesh), planning.seconds(job, mesh, machine)
        fits = "" if held.total <= machine.memory else " (too much)"
        rows.append(
            {
                "mesh": label(mesh),
                "GB a device": f"{held.total / 1e9:.1f}{fits}",
                "MB received a step": _number(planning.received(job, mesh) / 1e6),
                "products ms": _number(took.products * 1e3),
                "memory ms": _number(took.memory * 1e3),
                "wire ms": _number(took.wire * 1e3),
                "latency ms": _number(took.latency * 1e3),
                "M tokens/s": _number(job.batch * job.block_length / took.total / 1e6),
                "epoch": _time(planning.epoch(job, took.total)),
                "all overlapped": _time(planning.epoch(job, took.largest)),
            }
        )
    return table(rows)


def label(mesh: Mesh) -> str:
    """A mesh as the command line writes it."""
    if mesh.cut is Cut.OWNERS:
        return f"model={mesh.model}, {mesh.cut.value} (not built)"
    axes = {"data": mesh.data, "model": mesh.model}
    text = ",".join(f"{name}={size}" for name, size in axes.items() if size > 1)
    return f"{text} by {mesh.cut.value}" if mesh.model > 1 else text


def of_collectives() -> str:
    """The table of the small step's collectives on four devices, as shares of its row gradients."""
    rows = []
    for mesh in SMALL_MESHES:
        for collective in planning.sent(SMALL, mesh):
            share = collective.bytes / planning.rows_bytes(
                SMALL, mesh._replace(cut=Cut.ROWS), SMALL.batch
            )
            rows.append(
                {
                    "mesh": label(mesh),
                    "collective": collective.kind,
                    "over": collective.over,
                    "bytes": f"{collective.bytes:,}",
                    "of the batch's row gradients": f"{share:.1%}",
                }
            )
    return table(rows)


def of_measured() -> str:
    """The table of predicted and measured times on the machine of docs/speed.md."""
    rows = []
    for bounded, timed in TIMED.items():
        job = BIG_STEP._replace(bounded=bounded)
        took = planning.seconds(job, Mesh(1), machines.MEASURED)
        tokens = job.batch * job.block_length
        rows.append(
            {
                "cap": "0.25" if bounded else "None",
                "products us a token": f"{took.products / tokens * 1e6:.2f}",
                "memory us a token": f"{took.memory / tokens * 1e6:.2f}",
                "sum": f"{took.total / tokens * 1e6:.2f}",
                "measured": f"{timed * 1e6:.2f}",
                "measured / sum": f"{timed / took.total * tokens:.2f}",
            }
        )
    return table(rows)


def of_memory(job: Job, over: Sequence[Mesh]) -> str:
    """The table of the parts of a device's memory, for each mesh."""
    rows = []
    for mesh in over:
        held = planning.memory(job, mesh)
        parts = {name: f"{size / 1e9:.2f}" for name, size in held._asdict().items()}
        rows.append({"mesh": label(mesh), **parts, "GB": f"{held.total / 1e9:.2f}"})
    return table(rows)


def of_constants() -> str:
    """The sources of the machines' numbers, as a list."""
    names = {
        machine.source: machine.name for machine in (machines.MEASURED, *reversed(machines.ALL))
    }
    return "\n".join(f"- {name}: {source}" for source, name in reversed(names.items()))


def fill(page: str, tables: dict[str, str]) -> str:
    """The page with its tables replaced, each between <!-- NAME --> and <!-- end -->.

    Raises:
        InputError: the page has no place for a table.
    """
    for name, text in tables.items():
        begin, end = f"<!-- {name} -->\n", "\n<!-- end -->"
        before, begun, rest = page.partition(begin)
        _, ended, after = rest.partition(end)
        if not (begun and ended):
            raise InputError(f"the page has no place for {name!r}: wanted {begin.strip()} and{end}")
        page = f"{before}{begin}\n{text}\n{end}{after}"
    return page


def table(rows: list[dict[str, str]]) -> str:
    """A Markdown table of rows that have the same keys; the keys are the head."""
    return report.table(list(rows[0]), [list(row.values()) for row in rows])


def whole(job: Job) -> dict[str, str]:
    """Every table of the page, by the name of its place."""
    by_machine = {machine.name: of_machine(job, machine) for machine in machines.ALL}
    by_dim = [] if job.dim % 8 else [Mesh(1, 8, Cut.DIM)]
    shown = [Mesh(8), Mesh(1, 8), *by_dim, Mesh(1, 64)]
    adagrad = job._replace(slots=1)
    return {
        "memory": of_memory(job, shown),
        "memory with AdaGrad": of_memory(adagrad, shown),
        **by_machine,
        "collectives": of_collectives(),
        "measured": of_measured(),
        "constants": of_constants(),
    }


def _number(value: float) -> str:
    """A number with three significant digits."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _time(seconds: float) -> str:
    hours = seconds / 3600
    return f"{_number(hours)} h" if hours < 48 else f"{_number(hours / 24)} days"
