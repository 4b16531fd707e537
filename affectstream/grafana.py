"""The commands `dashboards push`, `check` and `annotate`: dashboards in a Grafana, and a call on them."""

import time
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

app = typer.Typer(no_args_is_help=True)
out = Console()

Url = Annotated[str, typer.Argument(help="of the Grafana, https://grafana.example.org")]
Token = Annotated[
    str, typer.Option(envvar="GRAFANA_TOKEN", help="of a service account that may", show_envvar=True)
]
LOOK = {"ok": "green", "empty": "yellow", "failed": "red"}


@app.command()
def push(
    url: Url,
    token: Token,
    api_url: Annotated[str, typer.Option(help="where that Grafana reaches the JSON API")] = "http://api:8350",
) -> None:
    """Put the data source and the dashboards into a Grafana that is not provisioned by files."""
    from affectstream.dashboards.push import push
    from affectstream.runtime.settings import load

    api_token = load().api.token
    pushed = push(url, token, api_url, api_token=api_token.get_secret_value() if api_token else None)
    for each in pushed.dashboard_urls:
        out.print(f"dashboard    {each} (Grafana {pushed.grafana_version})", highlight=False)
    out.print(f"data source  {pushed.data_source_health}", highlight=False)


@app.command()
def check(url: Url, token: Token) -> None:
    """Check a Grafana's version, plugin and data source, and every panel's query; exit 1 where one fails."""
    from affectstream.dashboards.check import check

    found = check(url, token, time.time_ns() // 1_000_000)
    for each in found:
        line = f"[{LOOK[each.state]}]{each.state:6}[/] {escape(each.what)}  {escape(each.text)}"
        out.print(line, highlight=False, soft_wrap=True)
    if any(each.state == "failed" for each in found):
        raise typer.Exit(1)


@app.command()
def annotate(
    session: Annotated[str, typer.Argument(help="session id, in Redis")], url: Url, token: Token
) -> None:
    """Put a call's turns, alerts, turning points and contradictions on *Call timeline*; safe to repeat."""
    from affectstream.dashboards.annotate import annotate, annotations
    from affectstream.export import report
    from affectstream.runtime.settings import load
    from affectstream.sessions import windows

    settings = load()
    finals = windows(session, settings)
    made = report(finals, settings)
    wanted = annotations(made.talk.turns if made.talk else (), made.summary, made.alerts)
    before = annotate(url, token, session, wanted)
    out.print(
        f"{len(wanted)} annotations of {session}, in the place of {before}", highlight=False, markup=False
    )
