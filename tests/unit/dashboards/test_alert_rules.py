"""The alert rules that are provisioned as files, of Prometheus and of Grafana."""

import re
import shutil
import subprocess
from typing import Any

import pytest
import yaml
from prometheus_client.metrics import MetricWrapperBase
from support.paths import ROOT

from affectstream.dashboards.grafana import pipeline, source
from affectstream.dashboards.responses import PartyRow
from affectstream.runtime import metrics

PROMETHEUS = ROOT / "dashboards" / "prometheus"
PROVISIONING = ROOT / "dashboards" / "grafana" / "provisioning"
RULES = (PROMETHEUS / "rules.yml").read_text(encoding="utf-8")
CASES = ROOT / "tests" / "unit" / "dashboards" / "prometheus_rules.yml"
GRAFANA: dict[str, Any] = yaml.safe_load(
    (PROVISIONING / "alerting" / "affectstream.yaml").read_text(encoding="utf-8")
)
OF_GRAFANA = [rule for group in GRAFANA["groups"] for rule in group["rules"]]
promtool = pytest.mark.skipif(not shutil.which("promtool"), reason="promtool is not installed")


def series() -> set[str]:
    """Every series that a metric of the table is exposed as."""
    found = (value for value in vars(metrics).values() if isinstance(value, MetricWrapperBase))
    families = [family for metric in found for family in metric.describe()]
    ends = ("", "_total", "_info", "_bucket", "_sum", "_count")
    return {family.name + end for family in families for end in ends}


def test_a_rule_names_only_metrics_that_there_are():
    named = set(re.findall(r"\baffect_\w+", RULES))

    assert len(named) >= 5
    assert named <= series()


def test_a_panel_of_the_pipeline_names_only_metrics_that_there_are():
    for title, _, _, expr in pipeline.PANELS:
        assert set(re.findall(r"\baffect_\w+", expr)) <= series(), title


def test_a_recorded_series_that_a_rule_reads_is_recorded():
    recorded = set(re.findall(r"record: (\S+)", RULES))

    assert set(re.findall(r"\baffect:[\w:]+", RULES)) == recorded


def test_every_alert_has_a_case_and_prometheus_reads_the_rules():
    alerts = set(re.findall(r"alert: (\w+)", RULES))

    assert alerts <= set(re.findall(r"alertname: (\w+)", CASES.read_text(encoding="utf-8")))
    config = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text(encoding="utf-8"))
    assert all((PROMETHEUS / name).exists() for name in config["rule_files"])


def headings() -> set[str]:
    """The anchors of the third-level headings of the operations guide."""
    text = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    return {each.lower().replace(" ", "-") for each in re.findall(r"^### (.+)$", text, re.MULTILINE)}


def test_every_alert_points_to_its_runbook():
    rules = [rule for group in yaml.safe_load(RULES)["groups"] for rule in group["rules"]]
    named = {rule["alert"]: rule["annotations"] for rule in rules if "alert" in rule}
    named |= {rule["title"]: rule["annotations"] for rule in OF_GRAFANA}

    assert len(named) >= 8
    for name, annotations in named.items():
        anchor = name.lower().replace(" ", "-")
        assert annotations["runbook_url"] == f"docs/operations.md#{anchor}"
        assert anchor in headings(), f"docs/operations.md has no runbook for {name}"


@promtool
@pytest.mark.parametrize(
    "command", [["check", "config", str(PROMETHEUS / "prometheus.yml")], ["test", "rules", str(CASES)]]
)
def test_prometheus_accepts_them(command: list[str]):
    done = subprocess.run(["promtool", *command], capture_output=True, text=True)

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("rule", OF_GRAFANA, ids=lambda rule: rule["uid"])
def test_a_rule_of_grafana_has_its_condition_and_known_data_sources(rule: dict[str, Any]):
    files = (PROVISIONING / "datasources").iterdir()
    known = {each["uid"] for file in files for each in yaml.safe_load(file.read_text())["datasources"]}

    assert {step["datasourceUid"] for step in rule["data"]} <= known | {"__expr__"}
    assert rule["condition"] in [step["refId"] for step in rule["data"]]
    assert all(step["refId"] == step["model"]["refId"] for step in rule["data"])
    assert re.fullmatch(r"[a-zA-Z0-9_-]{1,40}", rule["uid"])


def test_the_rule_of_calls_asks_as_the_panels_do():
    model = OF_GRAFANA[0]["data"][0]["model"]
    columns = {each["selector"]: each["type"] for each in model["columns"]}
    params = {each["key"]: each["value"] for each in model["url_options"]["params"]}

    assert model == source.query(source.SESSIONS, columns, root="sessions", params=params)
    assert set(columns) <= set(PartyRow.model_fields)


def test_what_is_raised_goes_to_the_contact_point():
    (point,), (policy,) = GRAFANA["contactPoints"], GRAFANA["policies"]

    assert policy["receiver"] == point["name"]
    assert point["receivers"][0]["settings"]["url"] == "${ALERT_WEBHOOK_URL}"
