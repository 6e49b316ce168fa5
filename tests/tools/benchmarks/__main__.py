"""Prints the guard's cost, as ratios measured within one run: ``python -m tests.tools.benchmarks [--plot FILE.svg]``."""

from __future__ import annotations

import argparse
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from alibabacloud_tea_openapi.utils_models import Config

from safe_ecs.testing import FakeEcs
from tests.support.workloads import MOST_BYTES_FOR_A_GROUP, WORKLOADS, bytes_for_each_group
from tests.tools.benchmarks import calls, cold, concurrency, imports
from tests.tools.benchmarks.pairs import HEADING, Figure

if TYPE_CHECKING:
    from collections.abc import Iterator


def main() -> None:
    """Measure, and print Markdown tables."""
    parser = argparse.ArgumentParser(prog="python -m tests.tools.benchmarks")
    parser.add_argument(
        "--plot", type=Path, metavar="FILE.svg", help="also draw the cost against groups and callers"
    )
    plot = parser.parse_args().plot
    print(HEADING)
    with _lean_server() as config:
        alone = [_printed(figure) for figure in calls.figures(config)]
        many = [_printed(figure) for figure in concurrency.figures(config)]
        threads = cold.threads_started(config)
    _printed(cold.figure_over_tls())
    _printed(imports.figure())
    if plot:
        _draw(plot, alone, many)
    _print_reads()
    _print_costs(threads)


@contextmanager
def _lean_server() -> Iterator[Config]:
    command = [sys.executable, str(Path(__file__).with_name("lean_server.py"))]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: S603 - our own file
    try:
        assert server.stdout is not None
        yield Config(
            access_key_id="key",
            access_key_secret="secret",
            endpoint=f"127.0.0.1:{server.stdout.readline().strip()}",
            protocol="HTTP",
            region_id=calls.REGION,
        )
    finally:
        server.kill()
        server.communicate()


def _printed(figure: Figure) -> Figure:
    print(figure.row(), flush=True)
    return figure


def _draw(path: Path, alone: list[Figure], many: list[Figure]) -> None:
    from tests.tools.benchmarks.plot import draw  # noqa: PLC0415 - only a plot needs matplotlib

    shares = [figure for figure in alone if figure.form.endswith("%")]
    threads, tasks = many[: len(concurrency.THREADS)], many[len(concurrency.THREADS) :]
    draw(
        path,
        dict(zip(calls.GROUPS, shares, strict=False)),
        dict(zip(concurrency.THREADS, threads, strict=True)),
        dict(zip(concurrency.TASKS, tasks, strict=True)),
    )


def _print_reads() -> None:
    print(
        "\n| work, with an ECS that takes 50 ms for an answer (2 s for the first one to threads, until all run) | reads to ECS | at most | met |"
    )
    print("|---|---|---|---|")
    for workload in WORKLOADS:
        with FakeEcs() as ecs:
            reads = workload.run(ecs)
        print(
            f"| {workload.name} | {reads} | {workload.most} | {'yes' if reads <= workload.most else 'no'} |"
        )


def _print_costs(threads: int) -> None:
    size, most = bytes_for_each_group(), MOST_BYTES_FOR_A_GROUP
    print("\n| what | measured | aim | met |\n|---|---|---|---|")
    met = "yes" if size <= most else "no"
    print(f"| threads started by 10,000 cold sync calls | {threads} | 0 | {'no' if threads else 'yes'} |")
    print(f"| memory for each of 100,000 groups | {size} bytes | at most {most} bytes | {met} |")


if __name__ == "__main__":
    main()
