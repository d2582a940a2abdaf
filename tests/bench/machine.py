"""The machine on which figures were made, without which they say little."""

import os
import platform
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Machine:
    cores: int
    cpu: str
    python: str
    date: str
    load: float
    """The average over the minute before the first measurement: beyond 1, others were at work."""

    @property
    def line(self) -> str:
        return f"{self.cores} cores, {self.cpu}, Python {self.python}, load average before {self.load:.2f}"


def this_machine() -> Machine:
    return Machine(
        cores=os.cpu_count() or 1,
        cpu=_cpu(),
        python=platform.python_version(),
        date=datetime.now(UTC).date().isoformat(),
        load=os.getloadavg()[0],
    )


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    models = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(models, platform.processor() or platform.machine())
