"""Services: made and changed by administrators, with an owner, a reason and an event."""

from typing import Any

import pytest
from django.test import Client

from jobs_app import services
from jobs_app.actors import COMMAND_LINE, Role
from jobs_app.errors import Invalid, NotAllowed
from jobs_app.models import Event, Service, User
from tests.conftest import make_person
from tests.doors import newest_event, without_the_trail
from tests.doors import operator_actor as acting
from tests.services import REASON

VALUES = {
    "name": "billing",
    "owner": "olga",
    "contact": "billing@example.com",
    "default_reason": "nightly",
    "description": "moves invoices",
}


@pytest.fixture
def client(administrator: User) -> Client:
    client = Client()
    client.force_login(administrator)
    return client


def test_a_service_is_made_with_its_owner_and_its_event(administrator: User, operator: User) -> None:
    service = services.create(VALUES, reason=REASON, by=acting(administrator))
    assert (service.owner, service.contact, service.default_reason) == (operator, "billing@example.com", "nightly")
    event = newest_event("service.created")
    assert (event["service"], event["reason"]) == (f"service:{service.pk}", REASON)
    assert event["after"] == {
        "name": "billing",
        "owner": f"person:{operator.pk}",
        "defaultReason": "nightly",
        "description": "moves invoices",
    }


def test_another_owner_is_told_with_before_and_after_and_a_contact_without_its_address(
    administrator: User, operator: User
) -> None:
    by, other = acting(administrator), make_person("oskar", Role.OPERATOR)
    service = services.create(VALUES, reason=REASON, by=by)
    services.change(service, VALUES | {"owner": "oskar", "contact": "new@example.com"}, reason="olga leaves", by=by)
    event = newest_event("service.changed")
    assert event["before"] == {"owner": f"person:{operator.pk}"}
    assert event["after"] == {"owner": f"person:{other.pk}"}
    assert (event["contactChanged"], event["reason"]) == (True, "olga leaves")
    assert not Event.objects.filter(line__contains="example.com").exists()


def test_what_changes_nothing_is_no_event(administrator: User, operator: User) -> None:
    by = acting(administrator)
    service = services.create(VALUES, reason=REASON, by=by)
    count = Event.objects.count()
    services.change(service, VALUES, reason=REASON, by=by)
    assert Event.objects.count() == count


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"name": ""}, "/name"),
        ({"name": "n" * 101}, "/name"),
        ({"name": "a\u202eb"}, "/name"),
        ({"name": "taken"}, "/name"),
        ({"owner": ""}, "/owner"),
        ({"owner": "nobody"}, "/owner"),
        ({"owner": "gone"}, "/owner"),
        ({"contact": "not an address"}, "/contact"),
        ({"default_reason": "x" * 1001}, "/default_reason"),
        ({"description": "a\x07"}, "/description"),
    ],
)
def test_what_is_wrong_is_refused(operator: User, changes: dict[str, str], pointer: str) -> None:
    services.create(VALUES | {"name": "taken"}, reason=REASON, by=COMMAND_LINE)
    make_person("gone")
    User.objects.filter(username="gone").update(is_active=False)
    with pytest.raises(Invalid) as caught:
        services.create(VALUES | changes, reason=REASON, by=COMMAND_LINE)
    assert [problem.pointer for problem in caught.value.problems] == [pointer]
    assert Service.objects.count() == 1


@pytest.mark.parametrize("person", ["approver", "auditor", "operator", "stranger"])
def test_only_an_administrator_may(person: str, operator: User, request: pytest.FixtureRequest) -> None:
    service = services.create(VALUES, reason=REASON, by=COMMAND_LINE)
    by = acting(request.getfixturevalue(person))
    with pytest.raises(NotAllowed):
        services.create(VALUES | {"name": "other"}, reason=REASON, by=by)
    with pytest.raises(NotAllowed):
        services.change(service, VALUES | {"name": "other"}, reason=REASON, by=by)
    assert Service.objects.get().name == "billing"


def test_without_the_trail_nothing_is_stored(client: Client, operator: User) -> None:
    with without_the_trail():
        assert client.post("/tokens/services/new/", VALUES | {"reason": REASON}).status_code == 503
    assert not Service.objects.exists()


def test_the_pages_make_and_change_it(client: Client, operator: User) -> None:
    answer = client.post("/tokens/services/new/", VALUES | {"reason": REASON})
    service = Service.objects.get()
    assert (answer.status_code, answer.url) == (302, f"/tokens/services/{service.pk}/new/")
    page = client.get(f"/tokens/services/{service.pk}/").content.decode()
    for words in ("billing@example.com", "nightly", "moves invoices", "<option selected>olga</option>"):
        assert words in page
    answer: Any = client.post(f"/tokens/services/{service.pk}/", VALUES | {"name": "invoices", "reason": REASON})
    assert (answer.status_code, answer.url) == (302, "/tokens/")
    service.refresh_from_db()
    assert service.name == "invoices"


def test_a_mistake_keeps_what_was_typed(client: Client, operator: User) -> None:
    answer = client.post("/tokens/services/new/", VALUES | {"contact": "nowhere", "reason": ""})
    page = answer.content.decode()
    assert answer.status_code == 400
    for words in ("Give one address for mail", "Say why you do this", 'value="billing"', "selected>olga"):
        assert words in page
