"""The pages of callbacks: administrators act, auditors look, others and strangers get nothing."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from jobs_app.models import Callback, Delivery, Service, User
from tests.callbacks import Subscriber, documented, everything_is_due, snippet, work
from tests.doors import newest_event, without_the_trail
from tests.following import browser_of
from tests.receiver import Receiver, receiving, status

VERBS = ("set", "remove", "pause", "resume", "test", "rotate", "resend", "resend-failed")


pytestmark = pytest.mark.usefixtures("loopback_allowed")


class Page:
    """The page of a service's callback, in the browser of a person."""

    def __init__(self, person: User, service: Service) -> None:
        self.browser = browser_of(person)
        self.url = f"/callbacks/{service.pk}/"

    def read(self, **parameters: str) -> str:
        answer = self.browser.get(self.url, parameters)
        assert answer.status_code == 200
        return str(answer.content.decode())

    def do(self, verb: str, **values: Any) -> Any:
        return self.browser.post(f"{self.url}{verb}/", values, follow=True)


@pytest.fixture
def page(payroll: Subscriber, administrator: User) -> Page:
    return Page(administrator, payroll.callback.service)


def test_an_administrator_sets_a_callback_and_sees_its_secret_once(administrator: User, receiver: Receiver) -> None:
    service = Service.objects.create(name="billing")
    page = Page(administrator, service)
    assert "This service has no callback." in page.read()
    answer = page.do("set", url=receiver.url)
    secret = answer.content.decode().partition("whsec_")[2].partition("<")[0]
    assert len(secret) == 44
    assert "no-store" in answer["Cache-Control"]
    assert "whsec_" not in page.read()
    assert "adele" in page.read()
    event = newest_event("callback.set")
    assert (event["service"], event["url"], event["actor"]["kind"]) == (f"service:{service.pk}", receiver.url, "person")
    listed = page.browser.get("/callbacks/").content.decode()
    assert receiver.url in listed


def test_an_address_that_must_not_be_called_is_told_and_kept_in_the_field(page: Page, receiver: Receiver) -> None:
    answer = page.do("set", url="https://169.254.169.254/latest/meta-data/")
    assert answer.status_code == 400
    shown = answer.content.decode()
    assert "an IP address must stand in PORTAL_CALLBACK_ALLOW" in shown
    assert 'value="https://169.254.169.254/latest/meta-data/"' in shown
    assert Callback.objects.get().url == receiver.url


def test_a_new_secret_signs_at_once_and_the_former_one_for_a_day(page: Page, payroll: Subscriber) -> None:
    answer = page.do("rotate")
    new = "whsec_" + answer.content.decode().partition("whsec_")[2].partition("<")[0]
    assert "no-store" in answer["Cache-Control"]
    assert newest_event("callback.rotated")["service"].startswith("service:")
    payroll.submit()
    work()
    [got] = payroll.receiver.received
    for secret in (new, payroll.secret):
        assert snippet()(secret, got.headers, got.body)
    assert "signs too until" in page.read()


def test_a_test_notice_goes_before_all_others_also_to_a_receiver_that_fails(page: Page, payroll: Subscriber) -> None:
    payroll.receiver.answer = status(500)
    for _ in range(6):
        payroll.submit()
    work()
    shown = page.read()
    assert "5 attempts in a row came to nothing" in shown
    assert "It answered 500" in shown
    payroll.receiver.answer = status(204)
    assert "on its way" in page.do("test").content.decode()
    work()
    ping = documented(payroll.receiver.received[5])
    assert (ping["type"], ping["data"]) == ("ping", {"service": "payroll"})
    assert newest_event("callback.tested")
    assert Delivery.objects.filter(state="delivered").count() == 7


def test_a_pause_keeps_what_happens_meanwhile(page: Page, payroll: Subscriber) -> None:
    payroll.submit()
    work()
    assert "Say why you do this" in page.do("pause", reason=" ").content.decode()
    page.do("pause", reason="the receiver moves")
    assert newest_event("callback.paused")["reason"] == "the receiver moves"
    assert "the receiver moves" in page.read()
    for _ in range(2):
        payroll.submit()
    assert work() == 0
    assert payroll.api.get("me/callback/").json()["state"] == "paused"
    # The service can change its address, but not end what an administrator began.
    assert payroll.api.put("me/callback/", {"url": payroll.receiver.url}).json()["state"] == "paused"
    assert "stopped already" in page.do("pause", reason="again").content.decode()
    assert "resume them first" in page.do("test").content.decode()
    page.do("resume")
    assert newest_event("callback.resumed")["before"] == {"state": "paused"}
    assert work() == 2
    assert "nothing to resume" in page.do("resume").content.decode()


def test_one_notice_is_sent_again_under_its_id(page: Page, payroll: Subscriber) -> None:
    payroll.submit()
    work()
    row = Delivery.objects.get()
    page.do("resend", delivery=row.pk)
    work()
    first, again = payroll.receiver.received
    assert first.headers["webhook-id"] == again.headers["webhook-id"]
    assert first.body == again.body
    event = newest_event("callback.resent")
    assert (event["count"], event["delivery"]) == (1, row.pk)


def test_all_that_was_given_up_since_then_is_sent_again(page: Page, payroll: Subscriber) -> None:
    made = [payroll.submit() for _ in range(3)]
    payroll.receiver.answer = status(500)
    work()
    long_ago = timezone.now() - timedelta(days=3)
    everything_is_due()
    Delivery.objects.update(first_tried_at=long_ago)
    Callback.objects.update(failures=0)
    work()
    Delivery.objects.filter(submission=made[0]).update(ended_at=long_ago)
    assert page.read(state="given_up").count("It answered 500") == 3
    payroll.receiver.answer = status(204)
    since = (timezone.now() - timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M")
    assert "2 notices are sent again." in page.do("resend-failed", since=since).content.decode()
    assert newest_event("callback.resent")["count"] == 2
    work()
    sent = Delivery.objects.filter(state="delivered").order_by("position")
    assert [str(row.submission_id) for row in sent] == made[1:]
    assert "None was given up since then." in page.do("resend-failed", since=since).content.decode()
    for wrong in ("", "soon", "2026-13-45T00:00"):
        assert page.do("resend-failed", since=wrong).status_code == 400


def test_a_callback_is_removed(page: Page) -> None:
    assert "gets no notices any more" in page.do("remove").content.decode()
    assert not Callback.objects.exists()
    assert page.do("rotate").status_code == 404


def test_the_log_has_pages_and_a_filter(page: Page, payroll: Subscriber, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(55):
        payroll.submit()
    work()
    first = page.read()
    assert first.count("✓ Delivered") == 50
    older = first.partition('rel="next"')[0].rpartition('href="')[2].partition('"')[0]
    assert page.browser.get(page.url + older).content.decode().count("✓ Delivered") == 5
    assert "None." in page.read(state="given_up")
    assert page.browser.get(page.url, {"state": "lost"}).status_code == 400
    assert page.browser.get(page.url, {"cursor": "x"}).status_code == 400


def test_who_may_look_and_who_may_act(
    payroll: Subscriber, auditor: User, operator: User, approver: User, stranger: User
) -> None:
    payroll.submit()
    work()
    service, before = payroll.callback.service, Callback.objects.values().get()
    for person in (auditor, operator, approver, stranger):
        page = Page(person, service)
        looks = page.browser.get(page.url).status_code
        assert looks == page.browser.get("/callbacks/").status_code == (200 if person == auditor else 403)
        for verb in VERBS:
            answer = page.do(verb, url=payroll.receiver.url, reason="r", delivery=Delivery.objects.get().pk, since="x")
            assert answer.status_code == 403, (person, verb)
            assert payroll.receiver.url not in answer.content.decode()
    assert Callback.objects.values().get() == before
    assert newest_event("permission.denied")["to"] == "change a callback"
    assert "/set/" not in Page(auditor, service).read()


def test_what_is_not_there(page: Page, payroll: Subscriber) -> None:
    with receiving() as elsewhere:
        other = Subscriber(elsewhere, "other")
        other.submit()
        work()
        foreign = other.callback.deliveries.get()
        assert page.do("resend", delivery=foreign.pk).status_code == 404
    assert page.do("resend", delivery="x").status_code == 404
    assert page.do("explode").status_code == 404
    assert page.browser.get("/callbacks/999999/").status_code == 404
    assert page.browser.get(f"{page.url}set/").status_code == 405


def test_without_the_trail_nothing_is_done(page: Page, payroll: Subscriber) -> None:
    payroll.submit()
    work()
    before = (Callback.objects.values().get(), Delivery.objects.values().get())
    with without_the_trail():
        for verb in ("set", "remove", "pause", "test", "rotate", "resend"):
            answer = page.do(verb, url=payroll.receiver.url, reason="r", delivery=Delivery.objects.get().pk)
            assert answer.status_code == 503, verb
    assert (Callback.objects.values().get(), Delivery.objects.values().get()) == before


def test_health_tells_of_a_receiver_that_fails_or_is_gone(page: Page, payroll: Subscriber, operator: User) -> None:
    payroll.submit()
    Callback.objects.update(failures=5)
    assert "tried again and again: payroll" in page.browser.get("/health/").content.decode()
    payroll.receiver.answer = status(410)
    work()
    assert "so it gets no notices: payroll" in page.browser.get("/health/").content.decode()
    assert "It answered 410" in page.read()
    assert "payroll" not in browser_of(operator).get("/health/").content.decode()
