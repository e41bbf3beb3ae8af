"""The page of the exports, by auditors and by everybody else."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client as Browser
from django.utils import timezone

from jobs_app import export_jobs, submissions
from jobs_app.models import Event, Export, User
from tests.conftest import make_person
from tests.doors import newest_event, operator_actor
from tests.examples import body
from tests.exports import asked, content, written
from tests.following import browser_of, page

EVERYWHERE = ("/exports/", "/exports/live/", "/exports/estimate/")


def shown(browser: Browser, address: str = "/exports/") -> str:
    answer = browser.get(address)
    assert answer.status_code == 200
    return str(answer.content.decode())


def post(browser: Browser, **fields: str) -> Any:
    return browser.post("/exports/", {"kind": "archive", "query": "", "zone": "UTC"} | fields, follow=True)


@pytest.mark.parametrize("person", ["operator", "approver", "administrator", "stranger"])
def test_others_are_told_in_words_and_the_trail_says_so(
    auditor: User, person: str, request: pytest.FixtureRequest
) -> None:
    made = written(asked(auditor, "csv"))
    user = request.getfixturevalue(person)
    browser = browser_of(user)
    for address in (*EVERYWHERE, f"/exports/{made.pk}/download/"):
        answer = browser.get(address)
        assert (answer.status_code, "You do not have the right" in answer.content.decode()) == (403, True)
        assert newest_event("permission.denied")["actor"]["id"] == f"person:{user.pk}"
    assert post(browser).status_code == 403
    assert Export.objects.count() == 1
    assert not Event.objects.filter(action="export.handed_out", line__contains=str(made.pk)).exists()


def test_nobody_is_sent_to_sign_in(auditor: User) -> None:
    made = written(asked(auditor, "csv"))
    for address in (*EVERYWHERE, f"/exports/{made.pk}/download/"):
        answer = Browser().get(address)
        assert (answer.status_code, answer.url.partition("?")[0]) == (302, "/sign-in/")


def test_asking_without_the_forms_token_is_refused(auditor: User) -> None:
    browser = Browser(enforce_csrf_checks=True)
    browser.force_login(auditor)
    assert browser.post("/exports/", {"kind": "archive"}).status_code == 403
    assert not Export.objects.exists()


def test_an_auditor_asks_watches_and_loads(auditor: User) -> None:
    browser = browser_of(auditor)
    assert "Nobody has asked for an export yet." in shown(browser)
    said = post(browser, kind="evidence", query="outcome:denied").content.decode()
    assert "A worker writes it now" in said
    assert "Waits for a worker" in said
    assert 'hx-get="/exports/live/?page=1"' in said
    Export.objects.update(status="writing", done=1200, total=4800)
    assert '<progress class="w-100" max="4800" value="1200">' in shown(browser, "/exports/live/")
    Export.objects.update(status="waiting")
    made = written(Export.objects.get())
    ready = shown(browser)
    assert "hx-get" not in ready.partition('id="exports"')[2].partition(">")[0]
    assert made.sha256 in ready
    assert '<code class="text-break">outcome:denied</code>' in ready
    answer = browser.get(re.findall(r'href="(/exports/[^"]+/download/)"', ready)[0])
    assert answer.status_code == 200
    assert answer["Content-Type"] == "application/zip"
    assert int(answer["Content-Length"]) == made.size
    name = rf'attachment; filename="koodrive-evidence-\d{{8}}T\d{{6}}Z-{made.pk.hex[:8]}\.zip"'
    assert re.fullmatch(name, answer["Content-Disposition"])
    assert "no-store" in answer["Cache-Control"]
    assert b"".join(answer.streaming_content) == content(made)


def test_the_trail_says_who_got_it_before_the_first_byte(auditor: User) -> None:
    made = written(asked(auditor, "csv"))
    other = make_person("albert", *auditor.current_roles())
    answer = browser_of(other).get(f"/exports/{made.pk}/download/")
    told = newest_event("export.handed_out")
    assert (told["export"], told["actor"]["id"]) == (str(made.pk), f"person:{other.pk}")
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    answer.close()


def test_every_auditor_sees_everybodys_newest_first(auditor: User) -> None:
    asked(auditor, "csv", "outcome:failed")
    other = make_person("albert", *auditor.current_roles())
    asked(other, "archive")
    seen = shown(browser_of(other))
    assert seen.index("the whole trail</td>") < seen.index("outcome:failed")
    assert {"aurora", "albert"} <= set(re.findall(r"<td>(\w+)</td>", seen))


def test_what_failed_says_why_and_what_is_gone_says_so(auditor: User) -> None:
    browser = browser_of(auditor)
    failed = asked(auditor)
    Export.objects.filter(pk=failed.pk).update(status="failed", problem="No <room> was left.")
    assert "Failed: No &lt;room&gt; was left." in shown(browser)
    assert browser.get(f"/exports/{failed.pk}/download/").status_code == 409
    gone = written(asked(auditor, "csv"))
    Export.objects.filter(pk=gone.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    export_jobs.sweep()
    assert "Deleted; its time was over" in shown(browser)
    answer = browser.get(f"/exports/{gone.pk}/download/")
    assert (answer.status_code, "ask for it again" in answer.content.decode()) == (410, True)
    assert browser.get(f"/exports/{'0' * 8}-0000-4000-8000-{'0' * 12}/download/").status_code == 404


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"query": "colour:<b>"}, "There is no qualifier &#x27;colour&#x27;"),
        ({"kind": "csv", "zone": "Mars/Olympus"}, "There is no time zone &#x27;Mars/Olympus&#x27;"),
        ({"kind": "novel"}, "Choose one of archive, evidence, csv."),
    ],
)
def test_what_is_wrong_stands_beside_its_field(auditor: User, fields: dict[str, str], says: str) -> None:
    answer = post(browser_of(auditor), **fields)
    seen = answer.content.decode()
    assert (answer.status_code, says in seen) == (400, True)
    assert "<b>" not in seen
    assert not Export.objects.exists()


def test_a_fourth_one_has_to_wait(auditor: User) -> None:
    browser = browser_of(auditor)
    for _ in range(3):
        post(browser)
    assert "wait until one of them is ready" in post(browser).content.decode()
    assert Export.objects.count() == 3


def test_the_form_is_filled_in_from_the_address_and_tells_how_much_it_is(auditor: User) -> None:
    browser = browser_of(auditor)
    for name in ("otto", "oskar"):
        browser_of(make_person(name)).get("/exports/")
    found = Event.objects.filter(outcome="denied").count()
    seen = shown(browser, "/exports/?q=outcome:denied&kind=csv")
    assert 'value="outcome:denied"' in seen
    assert '<option value="csv" selected>' in seen
    assert f"{found} events." in seen
    assert "The whole trail, about" in shown(browser)
    assert shown(browser, "/exports/estimate/?query=outcome:denied").strip() == f"{found} events."
    assert "no qualifier" in shown(browser, "/exports/estimate/?query=colour:red")


def test_auditors_alone_find_the_evidence_pack_at_a_submission(auditor: User, operator: User) -> None:
    made = submissions.submit(body("copy"), by=operator_actor(operator))
    assert "Evidence pack" not in page(browser_of(operator), made)
    seen = page(browser_of(auditor), made)
    assert f'name="query" value="submission:{made.pk}"' in seen
    post(browser_of(auditor), kind="evidence", query=f"submission:{made.pk}")
    assert Export.objects.get().query == f"submission:{made.pk}"
    assert newest_event("export.requested")["submission"] == str(made.pk)
