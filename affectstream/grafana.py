"""The command `dashboards push`: data source and dashboards into a Grafana."""

from typing import Annotated

import typer
from rich.console import Console

app = typer.Typer(no_args_is_help=True)
out = Console()


@app.callback()
def _dashboards() -> None:
    """Have `push` stay a command of a group."""


@app.command()
def push(
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
