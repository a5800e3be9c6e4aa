"""The command that serves the demo tenant alone. It does not import the desk, so it starts faster."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from wfm.demo.platforms import Platform
from wfm.demo.server import serve
from wfm.domain.errors import BadInput

BAD_INPUT = 2


@click.command("demo-tenant", context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--port", type=click.IntRange(0, 65535), default=8808, show_default=True, help="0 takes a free one.")
@click.option("--agents", type=click.IntRange(1, 50_000), default=240, show_default=True, help="How many people.")
@click.option("--latency-ms", type=click.FloatRange(0, 60_000), default=20, show_default=True, help="Added to each answer.")
@click.option(
    "--rate-limit", type=click.IntRange(1, 1_000_000), default=300, show_default=True, help="Requests a minute a client."
)
@click.option("--scenario", help="Which faults and oddities it shows: healthy, or as the state file has it.")
@click.option("--state", type=click.Path(dir_okay=False, path_type=Path), help="File that keeps its state across a kill.")
@click.option("--seed", type=int, help="Other people: another number.")
@click.option(
    "--platform",
    type=click.Choice([row.value for row in Platform]),
    default=Platform.BOTH.value,
    show_default=True,
    help="Which paths it serves: the published ones alone, where roles in divisions decide, the brief's, or both.",
)
@click.option("--json", "_wants_json", is_flag=True, help="Accepted for symmetry: the ready line is JSON anyway.")
def demo_tenant(
    port: int,
    agents: int,
    latency_ms: float,
    rate_limit: int,
    scenario: str | None,
    state: Path | None,
    seed: int | None,
    platform: str,
    _wants_json: bool,
) -> None:
    """Serve the demo tenant alone, on loopback. Prints one JSON line when ready."""
    try:
        serve(port, agents, latency_ms, rate_limit, scenario, state, seed, platform)
    except BadInput as error:
        click.echo(str(error), err=True)
        sys.exit(BAD_INPUT)
