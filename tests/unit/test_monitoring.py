"""The dashboard and the alerts ask for what /metrics tells, by its labels, and each alert leads to what to do."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml

from jobs_app import metrics

ROOT = Path(__file__).parents[2]
RULES: list[dict[str, Any]] = yaml.safe_load((ROOT / "docker/prometheus/alerts.yml").read_text())["groups"][0]["rules"]
SCRAPE: dict[str, Any] = yaml.safe_load((ROOT / "docker/prometheus/prometheus.yml").read_text())
PANELS: list[dict[str, Any]] = json.loads((ROOT / "docker/grafana/portal.json").read_text())["panels"]
PARTS_OF_A_HISTOGRAM = ("_bucket", "_sum", "_count")
# What Prometheus itself adds.
ITS_OWN = {"up": {"job", "instance"}}


def served() -> dict[str, set[str]]:
    """Every name that can be asked for, and its labels."""
    found = dict(ITS_OWN)
    for metric in metrics.ALL:
        is_histogram = metric.kind == "histogram"
        for part in PARTS_OF_A_HISTOGRAM if is_histogram else ("",):
            found[metric.name + part] = {*metric.labels} | ({"le"} if part == "_bucket" else set())
    return found


def expressions() -> Iterator[tuple[str, str]]:
    yield from ((rule["alert"], rule["expr"]) for rule in RULES)
    for panel in PANELS:
        yield from ((panel["title"], target["expr"]) for target in panel.get("targets", []))


@pytest.mark.parametrize(("where", "expression"), list(expressions()))
def test_an_expression_asks_for_what_is_served(where: str, expression: str) -> None:
    without_texts = re.sub(r'"[^"]*"', '""', expression)
    asked = re.findall(r"\b(portal_\w+|up)\b(?:\{([^}]*)\})?", without_texts)
    assert asked, where
    assert {name for name, _ in asked} <= served().keys()
    for name, selector in asked:
        assert set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", selector)) <= served()[name]
    grouped = {label for labels in re.findall(r"\bby \(([^)]*)\)", without_texts) for label in labels.split(", ")}
    assert grouped <= set().union(*(served()[name] for name, _ in asked))
    promql_parser.parse(expression.replace("$__rate_interval", "5m"))  # raises for what Prometheus wouldn't take


def test_every_metric_is_shown_on_the_dashboard() -> None:
    shown = " ".join(target["expr"] for panel in PANELS for target in panel.get("targets", []))
    # Whether the trail is broken is an alert, and no curve.
    assert {metric.name for metric in metrics.ALL if metric.name not in shown} == {"portal_trail_broken"}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_every_alert_says_what_it_is_and_leads_to_what_to_do(rule: dict[str, Any]) -> None:
    assert rule["labels"]["severity"] in ("critical", "warning", "info")
    assert rule["annotations"]["summary"]
    page, _, anchor = rule["annotations"]["runbook"].partition("#")
    headings = re.findall(r"^### (.+)$", (ROOT / page).read_text(), re.MULTILINE)
    assert anchor == rule["alert"].lower()
    assert rule["alert"] in headings


def test_no_section_is_about_an_alert_that_is_gone() -> None:
    headings = re.findall(r"^### (Portal\w+)$", (ROOT / "docs/monitoring.md").read_text(), re.MULTILINE)
    assert headings == [rule["alert"] for rule in RULES]


def test_prometheus_reads_the_address_with_the_token_and_loads_the_alerts() -> None:
    [job] = SCRAPE["scrape_configs"]
    assert (job["scheme"], job["metrics_path"]) == ("https", "/metrics")
    assert "credentials_file" in job["authorization"]
    assert [(ROOT / "docker/prometheus" / name).exists() for name in SCRAPE["rule_files"]] == [True]


def test_names_and_labels_are_as_prometheus_wants_them() -> None:
    for metric in metrics.ALL:
        assert re.fullmatch(r"portal_[a-z_]+", metric.name)
        assert all(re.fullmatch(r"[a-z]+", label) for label in metric.labels)
        assert not metric.help.endswith(".")
    assert len({metric.name for metric in metrics.ALL}) == len(metrics.ALL)
