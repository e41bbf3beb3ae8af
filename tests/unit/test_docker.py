"""The compose file says nothing that the portal doesn't know, and opens nothing to the network."""

import re
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker" / "compose.yaml").read_text())
OURS = {name: service for name, service in COMPOSE["services"].items() if "koodrive" in service["image"]}
KNOWN = set(re.findall(r"^([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))


def test_the_parts_of_the_portal_are_there() -> None:
    assert set(COMPOSE["services"]) == {"web", "worker", "beat", "sealer", "migrate", "sandbox", "postgres", "valkey"}


def test_every_variable_is_one_that_the_portal_reads() -> None:
    used = {name.removesuffix("_FILE") for service in OURS.values() for name in service["environment"]}
    assert used <= KNOWN


def test_every_secret_is_defined_and_every_file_variable_names_one_that_is_mounted() -> None:
    for service in COMPOSE["services"].values():
        mounted = set(service.get("secrets", []))
        assert mounted <= set(COMPOSE["secrets"])
        files = [value for name, value in service.get("environment", {}).items() if name.endswith("_FILE")]
        assert {path.removeprefix("/run/secrets/") for path in files} <= mounted


def test_every_part_that_is_waited_for_exists() -> None:
    for service in COMPOSE["services"].values():
        assert set(service.get("depends_on", {})) <= set(COMPOSE["services"])


def test_every_command_is_one_that_the_entrypoint_knows() -> None:
    known = set(re.findall(r"^    ([a-z]+)\)", (ROOT / "docker" / "entrypoint").read_text(), re.MULTILINE))
    assert {service["command"][0] for service in OURS.values()} == known


def test_only_the_web_is_published_and_only_on_this_host() -> None:
    published = {name: service["ports"] for name, service in COMPOSE["services"].items() if "ports" in service}
    assert published == {"web": ["127.0.0.1:8000:8000"]}


def test_our_containers_can_write_nothing_and_gain_nothing() -> None:
    for service in OURS.values():
        assert service["read_only"]
        assert service["cap_drop"] == ["ALL"]


def test_only_the_migration_gets_the_owners_address() -> None:
    holders = {name for name, service in OURS.items() if "DATABASE_OWNER_URL_FILE" in service["environment"]}
    assert holders == {"migrate"}


def test_only_the_sealer_gets_the_private_key() -> None:
    holders = {name for name, service in COMPOSE["services"].items() if "audit_key" in service.get("secrets", [])}
    assert holders == {"sealer"}
