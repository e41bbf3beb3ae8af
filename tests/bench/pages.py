"""How long the server takes for each page of a portal that was used for years, for somebody with every role."""

import statistics
import time
from collections.abc import Iterator
from http import HTTPStatus
from ipaddress import ip_network

from django.test import Client, override_settings

from jobs_app import figures
from jobs_app.actors import Role
from jobs_app.models import User
from tests.bench.figures import FULL, Figure
from tests.bench.loading import trails
from tests.conftest import make_person
from tests.walking import PAGES, world

EVENTS = 10_000_000 if FULL else 100_000  # an eighth of them are submissions
CALLS = 20
WARMING = 2
MOST = 150.0  # milliseconds
SHOWN = 6


def measure(person: User) -> Iterator[Figure]:
    with trails(person, EVENTS) as [trail]:
        trail.use()
        with override_settings(CALLBACK_HOSTS=frozenset(), CALLBACK_NETWORKS=(ip_network("127.0.0.0/8"),)):
            there = world()
        figures.refresh()  # as a worker does every minute
        client = Client(SERVER_NAME="127.0.0.1")
        client.force_login(make_person("everything-1", *Role))
        shown = [path for path in PAGES if client.get(there.at(path)).status_code == HTTPStatus.OK]
        found = {path: _milliseconds(client, there.at(path)) for path in shown}
        slowest = sorted(found, key=lambda path: found[path], reverse=True)
        told = ", ".join(f"{path} {found[path]:.0f}" for path in slowest[:SHOWN])
        name = f"slowest of {len(found)} pages, {EVENTS:,} events, p95"
        yield Figure(name, found[slowest[0]], f"{told} ms; {CALLS} calls of each", most=MOST)
        median = statistics.median(found.values())
        yield Figure("page in the middle of them, p95", median, "ms", most=MOST)


def _milliseconds(client: Client, path: str) -> float:
    taken = []
    for _ in range(WARMING + CALLS):
        begin = time.perf_counter()
        answer = client.get(path)
        b"".join(answer) if answer.streaming else answer.content
        taken.append((time.perf_counter() - begin) * 1000)
    return statistics.quantiles(taken[WARMING:], n=20)[-1]
