"""The page of the system: whether it keeps up, what was lost and why, what is running."""

from typing import Any

from fastapi import FastAPI
from nicegui import ui

from affectstream.dashboards.page import frame
from affectstream.dashboards.processes import Process, Processes

REFRESH_S = 2.0
NAMES = ("process", "state", "read", "written", "lag", "latency", "model", "version")
COLUMNS, LOST = (
    [{"name": name, "label": name, "field": name, "align": "left"} for name in names]
    for names in (NAMES, ("process", "what", "count"))
)
LAG = "affect_consumer_lag_records"
NOWHERE = (
    "No process is known here. The setting api.processes names where each serves its metrics; "
    "`affectstream up` sets it."
)

Row = dict[str, Any]


def register(app: FastAPI, processes: Processes) -> None:
    """Add the page to the site."""

    @ui.page("/system", response_timeout=frame.BUILT_S)
    async def system() -> None:
        with frame.page("System", "/system"):
            if not processes.urls:
                ui.label(NOWHERE)
                return
            table = ui.table(columns=COLUMNS, rows=[], row_key="process").classes("system-table")
            ui.html("<h2>Left out, and why</h2>", sanitize=False)
            lost = ui.table(columns=LOST, rows=[], row_key="key").classes("system-table")
            with lost.add_slot("no-data"):
                ui.label("nothing was left out")

        async def refresh() -> None:
            found = await processes.refresh()
            table.rows = [row(process) for process in found]
            lost.rows = [each for process in found for each in losses(process)]

        await refresh()
        ui.timer(REFRESH_S, refresh)


def row(process: Process) -> Row:
    """Return what the table shows of a process."""
    newest = process.newest
    if newest is None:
        return dict.fromkeys(NAMES, "") | {"process": process.name, "state": "no answer"}
    model = newest.info("affect_model_info")
    return {
        "process": process.name,
        "state": "running",
        "read": _per_second(process.rate("affect_inputs_total")),
        "written": _per_second(process.rate("affect_observations_total", "affect_stored_finals_total")),
        "lag": f"{newest.total(LAG):.0f} records" if newest.serves(LAG) else "",
        "latency": _latency(process),
        "model": ", ".join(model[name] for name in ("model", "device", "rule", "fitted") if model.get(name)),
        "version": newest.info("affect_build_info").get("version", ""),
    }


def losses(process: Process) -> list[Row]:
    """Return what a process left out by its reason, the most first."""
    if process.newest is None:
        return []
    counted = {
        "dead letter": process.newest.by("affect_dead_letters_total", "reason"),
        "abstention": process.newest.by("affect_observations_total", "state"),
        "late observation": process.newest.by("affect_late_observations_total", "modality"),
        "final window without": process.newest.by("affect_window_missing_total", "modality"),
        "dropped by the broker": process.newest.by("affect_records_lost_total", "topic"),
        "stream refused": process.newest.by("affect_gateway_refused_total", "reason"),
    }
    counted["abstention"].pop("present", None)
    found = [(f"{what}: {why}".replace("_", " "), n) for what, by in counted.items() for why, n in by.items()]
    return [
        {"key": f"{process.name} {what}", "process": process.name, "what": what, "count": f"{number:.0f}"}
        for what, number in sorted(found, key=lambda each: -each[1])
    ]


def _per_second(rate: float | None) -> str:
    return "" if rate is None else f"{rate:.1f}/s"


def _latency(process: Process) -> str:
    """Return how long a batch takes, or from a window's end to Redis: median and 99 of 100, at most."""
    for name, of in (("affect_latency_seconds", "to Redis"), ("affect_inference_seconds", "a batch")):
        half, most = process.quantile(name, 0.5), process.quantile(name, 0.99)
        if half is not None and most is not None:
            return f"{_at_most(half)}, 99 %: {_at_most(most)} {of}"
    return ""


def _at_most(seconds: float) -> str:
    return "over a minute" if seconds == float("inf") else f"≤ {1000 * seconds:.0f} ms"
