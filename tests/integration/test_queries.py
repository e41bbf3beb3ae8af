"""No page asks the database more than fifteen times, whoever looks and however much there is."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from jobs_app import bulk, submissions
from jobs_app.actors import Role
from tests.conftest import make_person
from tests.doors import operator_actor
from tests.examples import body, file_id
from tests.walking import PAGES, World, world

MOST = 15
NO_QUESTION = ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE")
# They ask every part how it is at this moment: that is what they are for.
LIVE = {"/health/": 30, "/readyz": 12}
WHO = ["nobody", "operator", "approver", "auditor", "administrator", "everything"]


@pytest.fixture
def there(database: None, loopback_allowed: None) -> World:
    """With several of everything that lists show."""
    found = world()
    found.people["everything"] = make_person("everything-1", *Role)
    by = operator_actor(found.people["operator"])
    for number in range(5):
        given = {"labels": {file_id(0): "report.pdf"}, "reason": f"CHG-{number}"}
        submissions.submit(body("copy", **given), by=by)
        submissions.submit(body("delete", **given), by=by)
        bulk.submit({"submissions": [body("delete", **given)] * 2, "reason": "CHG"}, by=by)
    return found


def asked(client: Client, path: str) -> int:
    with CaptureQueriesContext(connection) as made:
        client.get(path)
    return sum(not query["sql"].startswith(NO_QUESTION) for query in made.captured_queries)


@pytest.mark.parametrize("who", WHO)
def test_every_page(there: World, who: str) -> None:
    client = Client(raise_request_exception=False)
    if who != "nobody":
        client.force_login(there.people[who])
    found = {}
    for path in set(PAGES) - set(LIVE):
        client.get(there.at(path))  # what is counted once a minute for everybody
        if (count := asked(client, there.at(path))) > MOST:
            found[path] = count
    assert found == {}


def test_those_that_look_at_every_part_ask_each_once(there: World) -> None:
    client = Client(raise_request_exception=False)
    client.force_login(there.people["everything"])
    assert {path: count for path, most in LIVE.items() if (count := asked(client, path)) > most} == {}
