"""The command line; every command is a few lines over the module that does the work."""

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console

from affectstream import inspecting, trust
from affectstream.lab import cli as modelling
from affectstream.lab.fusion import cli as fusion
from affectstream.options import (
    Channels,
    Inputs,
    PartyFiles,
    Purpose,
    SessionName,
    Speakers,
    TranscriptFile,
)
from affectstream.schemas.errors import AffectError

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    help="Reads how people in a call feel, as the call happens: event-time fusion of face, voice and words.",
    epilog="Exit codes: 0 done, 1 a check failed, 2 something was wrong with the request, 130 interrupted.",
)
topics_app = typer.Typer(no_args_is_help=True, help="The Kafka topics.")
dashboards_app = typer.Typer(no_args_is_help=True, help="The Grafana dashboards.")
app.add_typer(topics_app, name="topics")
app.add_typer(dashboards_app, name="dashboards")
app.add_typer(fusion.app, name="fusion")
app.add_typer(trust.app, name="trust")

out = Console()
err = Console(stderr=True)

WorkerName = Literal["video", "audio", "text", "fusion", "alerts", "api"]
MODULES: dict[str, str] = {
    "video": "affectstream.workers.video",
    "audio": "affectstream.workers.audio",
    "text": "affectstream.workers.text",
    "fusion": "affectstream.workers.fusion.__main__",
    "alerts": "affectstream.workers.alerts",
    "api": "affectstream.dashboards.__main__",
}


def main() -> None:
    """Run the command line; a mistake of the user's ends in one clear line, never in a traceback."""
    try:
        app()
    except AffectError as error:
        err.print(f"[bold red]error:[/] {error}", highlight=False, soft_wrap=True)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)


@app.command()
def analyze(
    inputs: Inputs,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="final windows, .jsonl or .csv")
    ] = None,
    plot: Annotated[Path | None, typer.Option(help="timeline as .png, .svg or .pdf")] = None,
    summary: Annotated[Path | None, typer.Option(help="the summary and the alerts, as JSON")] = None,
    party: PartyFiles = None,
    channels: Channels = None,
    transcript: TranscriptFile = None,
    speaker: Speakers = None,
    session: SessionName = None,
    start_ms: Annotated[
        int, typer.Option(help="event time of the recording's start, ms since the epoch")
    ] = 0,
    agent_purpose: Purpose = None,
) -> None:
    """Read a recorded call in this process, with no broker, as fast as the machine allows."""
    from affectstream import offline
    from affectstream.session_file import Typed

    typed = Typed(inputs, party or (), channels, transcript, speaker or (), session, agent_purpose)
    offline.run(typed, start_ms, output, plot, summary, out)


@app.command()
def demo(
    speed: Annotated[float, typer.Option(min=0.1, max=100, help="times real time")] = 1.0,
    folder: Annotated[Path, typer.Option(help="where the plot, the windows and the logs go")] = Path(
        "out/demo"
    ),
) -> None:
    """Replay the demo call on embedded servers and real workers, and watch it being read."""
    from affectstream import demo as show_demo

    show_demo.run(speed, folder, out)


@app.command()
def replay(
    inputs: Inputs,
    speed: Annotated[
        float | None, typer.Option(min=0.01, help="times real time; default: as fast as it is consumed")
    ] = None,
    start: Annotated[str, typer.Option(help="event time of the start: now, or ms since the epoch")] = "now",
    party: PartyFiles = None,
    channels: Channels = None,
    transcript: TranscriptFile = None,
    speaker: Speakers = None,
    session: SessionName = None,
    agent_purpose: Purpose = None,
) -> None:
    """Publish a recorded call to Kafka; the workers that run there read it."""
    from affectstream import replay as online
    from affectstream.session_file import Typed

    typed = Typed(inputs, party or (), channels, transcript, speaker or (), session, agent_purpose)
    online.replay(typed, speed, start, out)


@app.command()
def up(
    logs: Annotated[Path, typer.Option(help="folder for the processes' logs")] = Path("out/logs"),
) -> None:
    """Run everything on this machine: embedded Kafka and Redis, workers, fusion, alerts and the API."""
    from affectstream import replay as online

    online.up(logs, out)


@app.command()
def worker(name: Annotated[WorkerName, typer.Argument(help="which process")]) -> None:
    """Run one process of a distributed system, as configured by `affectstream config`."""
    import runpy

    runpy.run_module(MODULES[name], run_name="__main__")


@topics_app.command("create")
def topics_create(
    partitions: Annotated[
        int | None, typer.Option(min=1, help="of every topic; default: the table's")
    ] = None,
) -> None:
    """Create what is missing; the number of partitions is the same for all."""
    from affectstream import replay as online

    online.create_topics(partitions, out)


@topics_app.command("list")
def topics_list() -> None:
    """Show the table of topics, and which of them the broker has."""
    from affectstream import replay as online

    online.list_topics(out)


@dashboards_app.command("push")
def dashboards_push(
    url: Annotated[str, typer.Argument(help="of the Grafana, https://grafana.example.org")],
    token: Annotated[
        str, typer.Option(envvar="GRAFANA_TOKEN", help="of a service account that may edit", show_envvar=True)
    ],
    api_url: Annotated[str, typer.Option(help="where that Grafana reaches the JSON API")] = "http://api:8350",
) -> None:
    """Put the data source and the dashboards into a Grafana that is not provisioned by files."""
    from affectstream.dashboards.push import push
    from affectstream.runtime.settings import load

    api_token = load().api.token
    pushed = push(url, token, api_url, api_token=api_token.get_secret_value() if api_token else None)
    out.print(f"dashboard    {pushed.dashboard_url} (Grafana {pushed.grafana_version})", highlight=False)
    out.print(f"data source  {pushed.data_source_health}", highlight=False)


@app.command()
def sessions(limit: Annotated[int, typer.Option(min=1, help="how many, newest first")] = 20) -> None:
    """List the sessions that lie in Redis."""
    from affectstream import sessions as stored

    stored.sessions(limit, out)


@app.command()
def show(
    session: Annotated[str, typer.Argument(help="session id")],
    follow: Annotated[bool, typer.Option("--follow", "-f", help="go on until interrupted")] = False,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="final windows, .jsonl or .csv")
    ] = None,
    plot: Annotated[Path | None, typer.Option(help="timeline as .png, .svg or .pdf")] = None,
) -> None:
    """Show the windows of a session from Redis, or write them as `analyze` does."""
    from affectstream import sessions as stored

    stored.show(session, follow, output, plot, out)


@app.command("summary")
def summary_of(
    what: Annotated[str, typer.Argument(metavar="SESSION", help="session id, or a .jsonl of `analyze -o`")],
    as_json: Annotated[bool, typer.Option("--json", help="as JSON, for programs")] = False,
) -> None:
    """Sum a session up per party, with turning points, disagreements and alerts."""
    from affectstream import summing

    summing.run(what, as_json, out)


@app.command()
def purge(session: Annotated[str, typer.Argument(help="session id")]) -> None:
    """Delete everything that Redis holds about a session."""
    from affectstream import sessions as stored

    stored.purge(session, out)


modelling.register(app)
inspecting.register(app)
