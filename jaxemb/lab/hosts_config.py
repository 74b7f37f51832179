"""The settings of a training by several processes, checked without looking for any."""

import dataclasses

from jaxemb.errors import InputError, above_zero, at_least

AUTO = "auto"


@dataclasses.dataclass(frozen=True)
class Hosts:
    """Several processes, each started with the same command but for its number."""

    coordinator: str | None = None
    """Of several processes: host:port of the first; or auto, from Slurm, Open MPI or a TPU."""
    processes: int | None = None
    """How many there are."""
    process_id: int | None = None
    """The number of this one; 0, the first, is the one that writes."""
    heartbeat: int = 30
    """Seconds without a word after which a process is taken for lost, and all others end."""
    start_within: int = 300
    """Seconds in which all have to be there."""
    stuck_after: float = 30.0
    """Minutes without a finished chunk after which all end."""

    @property
    def several(self) -> bool:
        return self.coordinator is not None

    def check(self, mesh: str | None) -> None:
        """Raises InputError for settings that are none of a process.

        Args:
            mesh: of the config that these are part of.
        """
        if self.several and mesh is None:
            raise InputError(
                "several processes train on a mesh of all their devices: wanted --mesh, such as "
                "--mesh data=2 for two of one device each"
            )
        at_least(1, heartbeat=self.heartbeat, start_within=self.start_within)
        above_zero(stuck_after=self.stuck_after)
        given = {"processes": self.processes, "process_id": self.process_id}
        if self.coordinator in (None, AUTO):
            for name, value in given.items():
                if value is not None:
                    told = "without a coordinator: wanted --coordinator HOST:PORT, of process 0"
                    told = "with coordinator auto, which finds it" if self.several else told
                    raise InputError(f"{name} is {value}, {told}")
            return
        host, _, port = self.coordinator.rpartition(":")
        if not (host and port.isdecimal() and 0 < int(port) < 1 << 16):
            raise InputError(f"coordinator is {self.coordinator!r}; wanted host:port, or auto")
        for name, value in given.items():
            if value is None:
                told = "--processes N --process-id i, or --coordinator auto"
                raise InputError(
                    f"coordinator is {self.coordinator}, without {name}: wanted {told}"
                )
        at_least(1, processes=self.processes)
        if not 0 <= (self.process_id or 0) < (self.processes or 1):
            raise InputError(
                f"process_id is {self.process_id}; of {self.processes} processes, wanted 0 to "
                f"{(self.processes or 1) - 1}"
            )
