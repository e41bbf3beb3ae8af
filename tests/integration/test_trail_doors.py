"""The trail's page and its REST call: who gets in, what they say, and that looking is told of."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.db import connection
from django.test import Client

from jobs_app import audit, submissions
from jobs_app.actors import COMMAND_LINE, Role, Scope
from jobs_app.audit import Action, keys, seal, verify
from jobs_app.models import Event, Submission, User
from tests.conftest import Api, make_person, token_of
from tests.doors import empty_the_trail, newest_event, operator_actor, without_the_trail
from tests.examples import FILE, body, file_id


@pytest.fixture
def page(auditor: User) -> Client:
    client = Client()
    client.force_login(auditor)
    return client


@pytest.fixture
def made(operator: User) -> Submission:
    values = body("copy", labels={file_id(0): "March.pdf"})
    return submissions.submit(values, by=operator_actor(operator))


def queries() -> int:
    return Event.objects.filter(action=Action.TRAIL_QUERIED).count()


def text_of(answer: Any) -> str:
    return " ".join(answer.content.decode().split())


# --- Who gets in -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("role", Role)
def test_only_an_auditor_searches(database: None, role: Role) -> None:
    person = make_person("p", role)
    client, api = Client(), Api(person=person)
    client.force_login(person)
    seq = Event.objects.latest("seq").seq
    wanted = 200 if role is Role.AUDITOR else 403
    for path in ("/audit/", f"/audit/{seq}/"):
        assert client.get(path).status_code == wanted
    assert api.get("audit-events/").status_code == wanted
    assert client.post("/audit/verify/").status_code == (302 if role is Role.AUDITOR else 403)
    if role is not Role.AUDITOR:
        assert newest_event("permission.denied")["to"] == "verify the trail"


@pytest.mark.parametrize("scope", Scope)
def test_only_the_audit_scope_reads(database: None, scope: Scope) -> None:
    answer = Api(token=token_of("some", scope)).get("audit-events/")
    assert answer.status_code == (200 if scope is Scope.AUDIT else 403)


# --- The page --------------------------------------------------------------------------------------------------------
def test_an_event_shows_its_line_its_hash_and_its_seal(page: Client, made: Submission) -> None:
    event = Event.objects.filter(submission=made.pk).latest("seq")
    answer = page.get(f"/audit/{event.seq}/")
    shown = text_of(answer)
    assert audit.read.Line(event.line).hash in shown
    assert "not sealed yet" in shown
    assert "March.pdf" in shown
    seal.seal_all(keys.private())
    assert "koodrive-portal audit seal v1" in text_of(page.get(f"/audit/{event.seq}/"))
    part = page.get(f"/audit/{event.seq}/", headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in part
    assert audit.read.Line(event.line).hash in part


def test_an_event_leads_on_to_all_that_belongs_to_it(page: Client, made: Submission) -> None:
    event = Event.objects.filter(submission=made.pk).latest("seq")
    links = [address for _, address in page.get(f"/audit/{event.seq}/").context["onwards"]]
    lines = [parse_qs(urlsplit(address).query)["q"][0] for address in links]
    assert lines[:2] == ["request:test-request", f"submission:{made.pk}"]
    assert f"file:{file_id(0)}" in lines
    for address in links:
        assert str(made.pk) in page.get(address).content.decode()


def test_an_event_that_is_not_there_is_not_found(page: Client) -> None:
    assert page.get("/audit/999999999/").status_code == 404


def test_an_action_that_a_newer_version_recorded_says_its_own_name(page: Client) -> None:
    event = (
        '{"action":"later.added","outcome":"ok","channel":"web","actor":{"kind":"person","id":"person:1","name":"-"}}'
    )
    with connection.cursor() as cursor:
        cursor.execute("SELECT seq FROM audit.record(%s)", [[event]])
        [seq] = cursor.fetchone()
    try:
        assert page.get(f"/audit/{seq}/").context["row"].meaning == "later.added"
        assert "later.added" in {row.action for row in page.get("/audit/").context["rows"]}
    finally:
        empty_the_trail()


def test_fields_write_the_line(page: Client, made: Submission) -> None:
    answer = page.get("/audit/", {"fields": "1", "action": "submission.created", "actor": "", "text": '"March.pdf"'})
    assert parse_qs(urlsplit(answer.url).query)["q"] == ["action:submission.created March.pdf"]
    shown = page.get(answer.url)
    assert shown.context["rows"][0].submission == str(made.pk)
    assert shown.context["values"] == {"action": "submission.created"}


def test_days_of_the_fields_come_back_as_they_were_given(page: Client) -> None:
    answer = page.get("/audit/", {"fields": "1", "since": "2026-01-01", "until": "2026-12-31"})
    shown = text_of(page.get(answer.url))
    assert 'name="since" value="2026-01-01"' in shown
    assert 'name="until" value="2026-12-31"' in shown
    assert "2027-01-01 00:00:00 UTC" in shown


@pytest.mark.parametrize("parameters", [{"q": "colour:red"}, {"fields": "1", "ip": "nowhere"}, {"cursor": "x"}])
def test_what_cannot_be_understood_is_told_beside_the_line(page: Client, parameters: dict[str, str]) -> None:
    answer = page.get("/audit/", parameters)
    assert answer.status_code == 400
    assert answer.context["problems"]
    assert (parameters.get("q") or parameters.get("ip") or "") in answer.context["line"]


def test_nothing_fits(page: Client) -> None:
    assert "No event fits." in text_of(page.get("/audit/", {"q": "request:unheard-of"}))


# --- The head of the page --------------------------------------------------------------------------------------------
def test_the_head_says_up_to_where_the_trail_is_verified(page: Client) -> None:
    empty_the_trail()
    assert "Not verified yet." in text_of(page.get("/audit/"))
    seal.seal_all(keys.private())
    upto = verify.live(by=COMMAND_LINE).last_sealed
    head = text_of(page.get("/audit/"))
    assert f"Verified up to event {upto}" in head
    assert "alert-success" in head


def test_the_head_is_red_when_the_trail_is_broken(page: Client) -> None:
    audit.record(Action.TRAIL_VERIFIED, by=COMMAND_LINE, outcome="failed", detail="Event 7 is missing.")
    head = text_of(page.get("/audit/"))
    assert "alert-danger" in head
    assert "Event 7 is missing." in head
    audit.record(Action.TRAIL_VERIFIED, by=COMMAND_LINE, sealedUpToSeq=7)


# --- Looking is told of ----------------------------------------------------------------------------------------------
def test_a_search_is_one_event_however_often_it_is_loaded(page: Client, made: Submission) -> None:
    before = queries()
    for _ in range(3):
        page.get("/audit/", {"q": "operation:copy"})
    page.get("/audit/", {"q": "operation:copy", "cursor": "b999999"})
    page.get(f"/audit/{Event.objects.filter(submission=made.pk).latest('seq').seq}/")
    assert queries() == before + 1
    assert newest_event("trail.queried")["query"] == "operation:copy"
    before = queries()
    page.get("/audit/", {"q": "operation:move"})
    assert queries() == before + 1


def test_another_person_with_the_same_search_is_told_of_too(page: Client) -> None:
    page.get("/audit/", {"q": "request:same-for-both"})
    before = queries()
    other = Client()
    other.force_login(make_person("another", Role.AUDITOR))
    other.get("/audit/", {"q": "request:same-for-both"})
    assert queries() == before + 1


def test_an_event_opened_without_a_search_is_told_of(page: Client) -> None:
    seq = Event.objects.latest("seq").seq
    page.get(f"/audit/{seq}/")
    assert newest_event("trail.queried")["query"] == f"event {seq}"


def test_without_the_trail_nobody_looks(page: Client, auditor: User) -> None:
    with without_the_trail():
        assert page.get("/audit/", {"q": "request:untold"}).status_code == 503
        assert Api(person=auditor).get("audit-events/", request="untold").status_code == 503


# --- REST ------------------------------------------------------------------------------------------------------------
def test_the_call_gives_exact_lines_and_goes_on(auditor: User, made: Submission) -> None:
    api = Api(person=auditor)
    first = api.get("audit-events/", submission=str(made.pk)).json()
    assert [each["event"]["action"] for each in first["results"]] == ["submission.created"]
    [shown] = first["results"]
    assert audit.read.Line(shown["line"]).hash == shown["hash"]
    assert shown["seal"] is None
    page = api.get("audit-events/", limit="1", action="submission.created,person.created").json()
    following = parse_qs(urlsplit(page["next"]).query)
    assert following["action"] == ["submission.created,person.created"]
    older = api.get("audit-events/", **{name: values[0] for name, values in following.items()}).json()
    assert older["results"][0]["seq"] < page["results"][0]["seq"]
    assert older["previous"]


def test_whoever_copies_the_trail_goes_on_by_number(auditor: User, made: Submission) -> None:
    api = Api(person=auditor)
    start = Event.objects.filter(submission=made.pk).earliest("seq").seq - 1
    seal.seal_all(keys.private())
    answer = api.get("audit-events/", order="seq", afterSeq=str(start), limit="1").json()
    assert [each["event"]["submission"] for each in answer["results"]] == [str(made.pk)]
    assert answer["results"][0]["seal"]
    assert answer["previous"] is None


@pytest.mark.parametrize(
    ("parameters", "pointer"),
    [
        ({"colour": "red"}, "colour"),
        ({"order": "time"}, "order"),
        ({"afterSeq": "7"}, "afterSeq"),
        ({"order": "seq", "afterSeq": "-1"}, "afterSeq"),
        ({"order": "seq", "cursor": "b7"}, "cursor"),
        ({"limit": "201"}, "limit"),
        ({"cursor": "b"}, "cursor"),
        ({"since": "yesterday"}, "since"),
        ({"text": "a\x01"}, "text"),
    ],
)
def test_what_the_call_does_not_understand(auditor: User, parameters: dict[str, str], pointer: str) -> None:
    answer = Api(person=auditor).get("audit-events/", **parameters)
    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"
    assert [problem["pointer"] for problem in answer.json()["errors"]] == [pointer]


def test_a_name_in_the_trail_is_text_on_the_page(page: Client, operator: User) -> None:
    submissions.submit(body("copy", reason="<script>alert(1)</script>"), by=operator_actor(operator))
    shown = page.get("/audit/").content.decode()
    assert "<script>alert" not in shown
    seq = Event.objects.filter(action="submission.created").latest("seq").seq
    assert "<script>alert" not in page.get(f"/audit/{seq}/").content.decode()


def test_the_example_file_is_found_by_nobody_else(page: Client) -> None:
    assert page.get("/audit/", {"q": f"file:{FILE}"}).context["rows"] == []
