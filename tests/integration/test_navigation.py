"""The navigation leads whoever sees it only to what they may open, and says where they are."""

import re
from typing import Any

import pytest
from django.test import Client

from jobs_app.actors import Role
from jobs_app.web import navigation
from tests.conftest import make_person
from tests.following import browser_of

ALL = [entry.page for group in navigation.GROUPS for entry in group.entries]


def links(answer: Any) -> dict[str, str]:
    """What the navigation leads to, each with its ``aria-current``."""
    nav = re.search(r'<nav class="site-nav".*?</nav>', answer.content.decode(), re.S)
    assert nav
    found = re.findall(r'<a class="nav-item" href="([^"]+)"(?: aria-current="(\w+)")?>', nav.group(0))
    return dict(found)


@pytest.mark.parametrize("roles", [*[(role,) for role in Role], tuple(Role), ()], ids=lambda roles: "+".join(roles))
def test_every_link_opens(database: None, roles: tuple[Role, ...]) -> None:
    browser = browser_of(make_person("olga", *roles))
    found = links(browser.get("/"))
    assert {address: browser.get(address).status_code for address in found} == dict.fromkeys(found, 200)
    assert bool(found) == bool(roles)


def test_with_all_roles_nothing_is_missing(database: None) -> None:
    assert len(links(browser_of(make_person("olga", *Role)).get("/"))) == len(ALL)


@pytest.mark.parametrize(
    ("path", "page"),
    [
        ("/submissions/", "/submissions/"),
        ("/submissions/new/", "/submissions/"),
        ("/audit/foreign/", "/audit/foreign/"),
        ("/people/new/", "/people/"),
    ],
)
def test_it_says_where_one_is_and_that_once(database: None, path: str, page: str) -> None:
    found = links(browser_of(make_person("olga", *Role)).get(path))
    assert {address: how for address, how in found.items() if how} == {page: "page" if path == page else "true"}


def test_nowhere_of_it_on_other_pages(database: None) -> None:
    assert not any(links(browser_of(make_person("olga", *Role)).get("/profile/")).values())


def test_somebody_without_a_role_is_told_whom_to_ask(database: None) -> None:
    assert "ask an administrator" in browser_of(make_person("nobody")).get("/").content.decode()


def test_a_stranger_sees_none_but_the_version_and_the_demo_mark(database: None) -> None:
    page = Client().get("/sign-in/").content.decode()
    assert "site-nav" not in page
    assert "Demo: it plays with a sandbox" in page
    assert re.search(r"KooDrive batch portal\s*\d+\.\d+\.\d+", re.sub(r"<[^>]+>", "", page))
