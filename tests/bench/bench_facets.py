"""What facets add to a scan with bodies, and the memory that they take."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from functools import partial

from beanops import connect
from beanops.embedded.process import Beanstalkd
from tests.bench.bench_jobs import KINDS, fill, scan_seconds
from tests.bench.figures import Figure, in_turn, peak_memory, show

JOBS = 100_000
#: What facets may cost of plain JSON, as a multiple of the scan.
_MOST = 1.6
#: Megabytes of a process.
_MEMORY = 300


def facets_seconds(address: str, jobs: int) -> float:
    """Take the facets with a session that knows nothing yet."""
    with connect(address) as session:
        start = time.perf_counter()
        found = session.facets("mail", progress=False)
        taken = time.perf_counter() - start
    assert found.facets.decoded == jobs
    return taken


def _measured(make: Callable[[int], bytes], rounds: int, jobs: int) -> list[float]:
    with Beanstalkd() as server:
        fill(server.address, jobs, body=make)
        return in_turn(
            rounds, partial(facets_seconds, server.address, jobs), partial(scan_seconds, server.address, jobs, "mail")
        )


def against_scan(rounds: int = 5, jobs: int = JOBS) -> None:
    """Print what facets cost beside the scan with bodies."""
    figures = []
    for name, make, _, _ in KINDS:
        ours, scan = _measured(make, rounds, jobs if len(make(0)) < 1000 else jobs // 10)
        plain = name in ("110 B", "500 B")
        figures.append(Figure(f"facets of {name}", ours * 1000, scan * 1000, _MOST if plain else 9, False, "ms"))
    show(f"Facets beside the scan with bodies, {jobs:,} jobs, a tenth of those of 5 kB", figures)


def memory(jobs: int = JOBS) -> None:
    """Print the most memory that facets take, of jobs in which each value is another one."""
    script = "import sys; from beanops import connect; connect(sys.argv[1]).facets('mail', progress=False)"
    with Beanstalkd() as server:
        fill(server.address, jobs, body=KINDS[1][1])
        peak = peak_memory(script, server.address)
    show(f"Memory of the facets of {jobs:,} jobs", [Figure("peak of a process", peak, _MEMORY, 1, False, "MB")])


def main() -> None:
    """Print all figures of facets."""
    jobs = int(sys.argv[1]) if len(sys.argv) > 1 and sys.argv[1].isdigit() else JOBS
    against_scan(jobs=jobs)
    memory(jobs=jobs)


if __name__ == "__main__":
    main()
