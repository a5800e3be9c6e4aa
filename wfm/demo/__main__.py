"""`python -m wfm.demo --port 8808`: the demo tenant alone."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from wfm.demo.scenarios import SCENARIOS
from wfm.demo.server import serve
from wfm.domain.errors import BadInput


@click.command()
@click.option("--port", default=8808, show_default=True, help="Port on 127.0.0.1; 0 takes any free one.")
@click.option("--agents", default=240, show_default=True, help="Number of people, up to 50000.")
@click.option("--latency-ms", default=20.0, show_default=True, help="How long a request to /api takes.")
@click.option("--rate-limit", default=300, show_default=True, help="Requests a minute and client.")
@click.option("--scenario", type=click.Choice(list(SCENARIOS)), default=None, help="healthy, or as the state file has it.")
@click.option("--state", type=click.Path(path_type=Path, dir_okay=False), default=None, help="File that survives kill -9.")
@click.option("--seed", type=int, default=None, help="Other people: another number.")
def main(
    port: int, agents: int, latency_ms: float, rate_limit: int, scenario: str | None, state: Path | None, seed: int | None
) -> None:
    """Serve a demo tenant and print one JSON line when it is ready."""
    try:
        serve(port, agents, latency_ms, rate_limit, scenario, state, seed)
    except BadInput as error:
        click.echo(str(error), err=True)
        sys.exit(2)


if __name__ == "__main__":
    main()
