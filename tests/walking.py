"""Walks over everything that the portal answers at: its addresses, with something behind each, and what pages hold."""

import html
import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver

from jobs_app import bulk, directory, exporting, proposals, receivers, submissions
from jobs_app.actors import Role
from jobs_app.models import Event, Proposal, User
from tests.conftest import make_person
from tests.doors import operator_actor
from tests.examples import OTHER_SPACE, body, file_id
from tests.services import make_service, make_token

CANARY = "kanarienvogel"  # stands in whatever a stranger must not read


def addresses(resolver: URLResolver | None = None, prefix: str = "/") -> Iterator[str]:
    """Every address of the portal, with a placeholder for each variable part."""
    for pattern in (resolver or get_resolver()).url_patterns:
        path = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from addresses(pattern, path)
        elif isinstance(pattern, URLPattern):
            yield path.replace("^", "").replace("$", "")


ALL = sorted({path for path in addresses() if "(?P" not in path})
PAGES = [path for path in ALL if not path.startswith(("/api/", "/admin/"))]
CALLS = [path for path in ALL if path.startswith("/api/")]


@dataclass
class World:
    """One of everything that has an address of its own, and the people; ``ids`` by the beginning of the address."""

    people: dict[str, User]
    ids: dict[str, object]

    def at(self, path: str) -> str:
        """The address of what there is; the longest beginning that fits names the id."""

        def filled(found: "re.Match[str]") -> str:
            known = [start for start in self.ids if path[: found.start()] == start]
            if known:
                return str(self.ids[known[0]])
            return {"uuid": str(uuid.UUID(int=1)), "int": "1"}.get(found.group(1) or "", "x")

        return re.sub(r"<(?:(\w+):)?\w+>", filled, path)


def world() -> World:
    people = {role.value: make_person(f"{role.value}-1", role) for role in Role} | {"stranger": make_person("nobody-1")}
    by = {name: operator_actor(person) for name, person in people.items()}
    second = operator_actor(make_person("operator-2", Role.OPERATOR))
    given = {"reason": CANARY, "reference": CANARY, "labels": {file_id(0): CANARY}}
    row = submissions.submit(body("delete", **given), by=second)
    batch = bulk.submit({"submissions": [body("delete", **given)], "reason": CANARY}, by=second)
    service = make_service(CANARY, owner=people["operator"])
    token, _ = make_token(service)
    receivers.put(service, "http://127.0.0.1:9/" + CANARY, by=by["administrator"])
    export = exporting.request("archive", f"reference:{CANARY}", by=by["auditor"])
    another = operator_actor(make_person("administrator-2", Role.ADMINISTRATOR))
    change = proposals.propose(Proposal.Kind.POLICY, "policy", before={}, after={CANARY: 1}, reason=CANARY, by=another)
    space = directory.add(OTHER_SPACE, {"name": CANARY}, reason=CANARY, by=by["administrator"])
    ids = {
        "spaces/": space.pk,
        "submissions/": row.pk,
        "unknowns/": row.pk,
        "batches/": batch.pk,
        "exports/": export.pk,
        "callbacks/": service.pk,
        "tokens/": token.pk,
        "tokens/services/": service.pk,
        "proposals/": change.pk,
        "audit/": Event.objects.latest("seq").seq,
        "people/": people["operator"].pk,
    }
    starts = {f"{door}{start}": pk for start, pk in ids.items() for door in ("/", "/api/v1/")}
    return World(people, {**starts, "/callbacks/<int:pk>/": "pause", "/people/<int:pk>/": "invite"})


@dataclass
class Form:
    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)


class Page(HTMLParser):
    """What stands on a page: its forms, the addresses that it loads or leads to, and what runs in place."""

    def __init__(self, answer: Any) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.loads: list[str] = []
        self.leads: list[str] = []
        self.inline: list[str] = []
        self.feed(answer.content.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.inline += [f"{tag} {name}" for name in given if name.startswith("on") or name == "style"]
        # A block of data is no script: nothing runs it.
        is_data = given.get("type") == "application/json"
        if tag == "style" or (tag == "script" and "src" not in given and not is_data):
            self.inline.append(tag)
        self.loads += [given[name] for name in ("src", "data", "poster") if name in given]
        if "href" in given:
            (self.loads if tag == "link" else self.leads).append(given["href"])
        if tag == "form":
            self.forms.append(Form(given.get("action", ""), given.get("method", "get").lower()))
        elif self.forms and given.get("name") and tag in ("input", "textarea", "select", "button"):
            self.forms[-1].fields.setdefault(given["name"], html.unescape(given.get("value", "")))
