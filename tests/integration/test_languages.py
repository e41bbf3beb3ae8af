"""The portal in Simplified Chinese: every page and mail for who wants it, and nothing of it anywhere else."""

import re
from html.parser import HTMLParser
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import translation

from jobs_app import audit, mail, submissions
from jobs_app.actors import COMMAND_LINE, SUBMISSION_SCOPES
from jobs_app.audit import Action
from jobs_app.models import Event, Submission, User
from jobs_app.wording import translated
from tests.composing import reviewed, submit, typed
from tests.conftest import PASSWORD, Api, token_of
from tests.doors import operator_actor
from tests.examples import body
from tests.following import browser_of
from tests.walking import CALLS, PAGES, World, world

CHINESE = {"Accept-Language": "zh-CN,zh;q=0.9,en;q=0.5"}
HAN = re.compile(r"[一-鿿]")
# What stands on pages in English for everybody: what people are called or wrote, and what is typed or copied.
NOT_WORDS = ("code", "pre", "script", "style", "textarea", "option", "svg")
SHOWN = ("aria-label", "alt", "placeholder", "title")
ENGLISH = re.compile(r"[A-Za-z']{2,} [A-Za-z']{2,} [A-Za-z']{2,}")


class Words(HTMLParser):
    """What a page says to people, piece by piece."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.said: list[str] = []
        self.language = ""
        self._within: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.language = (given.get("lang") or "") if tag == "html" else self.language
        self.said += [value for name in SHOWN if (value := given.get(name))]
        # What has a language of its own, such as the buttons that choose one, is no text of the page's.
        if tag in NOT_WORDS or ("lang" in given and tag != "html"):
            self._within.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if self._within and self._within[-1] == tag:
            self._within.pop()

    def handle_data(self, data: str) -> None:
        if not self._within and data.strip():
            self.said.append(data.strip())

    def untranslated(self, *, holds_events: bool = False) -> list[str]:
        """What the catalogue has a translation of, or what is English by its looks, as what stands in events is."""
        with translation.override("zh-hans"):
            found = [each for each in self.said if translated(each) != each]
        return found + [each for each in self.said if not holds_events and ENGLISH.search(each)]


def words(answer: Any) -> Words:
    return Words(answer.content.decode())


def speaks(person: User, language: str) -> None:
    """The person has chosen this language on their profile."""
    User.objects.filter(pk=person.pk).update(language=language)


@pytest.fixture
def there(database: None, loopback_allowed: None) -> World:
    """With a trail that was checked last, whatever earlier tests did to theirs."""
    audit.record(Action.TRAIL_VERIFIED, by=COMMAND_LINE, sealedUpToSeq=1)
    return world()


# --- Pages -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("who", ["nobody", "stranger", "operator", "approver", "auditor", "administrator"])
def test_every_page_is_chinese_for_who_wants_it(there: World, who: str) -> None:
    client, wrong = Client(headers=CHINESE, raise_request_exception=False), []
    if who != "nobody":
        client.force_login(there.people[who])
    for path in PAGES:
        answer = client.get(there.at(path))
        if "text/html" in answer.headers.get("Content-Type", "") and answer.content:
            page = words(answer)
            is_part = not answer.content.lstrip().startswith(b"<!doctype")
            left = page.untranslated(holds_events=path.startswith("/audit/")) + (
                [] if is_part or page.language == "zh-hans" else [f"lang={page.language}"]
            )
            wrong += [(path, answer.status_code, each) for each in left]
    assert wrong == []


def test_what_is_wrong_with_the_trail_is_told_in_chinese(there: World) -> None:
    broken = "Seal 7 is not the one that was published: history was signed anew."
    audit.record(Action.TRAIL_VERIFIED, by=COMMAND_LINE, outcome="failed", detail=broken)
    client = Client(headers=CHINESE)
    client.force_login(there.people["auditor"])
    for path in ("/", "/health/"):
        page = words(client.get(path))
        assert "封存 7 与已公布的不同：历史被重新签名。" in " ".join(page.said)
        assert page.untranslated() == []


@pytest.mark.parametrize("operation", ["copy", "delete"])
def test_a_person_works_in_chinese_and_what_is_kept_is_english(operator: User, operation: str) -> None:
    before = Event.objects.latest("seq").seq
    browser = Client(headers=CHINESE)
    browser.force_login(operator)
    wrong = browser.post("/submissions/new/review/", typed(operation, files="", reason=""))
    assert "请填写 reason。" in words(wrong).said
    assert words(wrong).untranslated() == []
    review = reviewed(browser, typed(operation, reason="CHG-1"))
    assert Words(review).untranslated() == []
    phrase = re.search(r'data-phrase="([^"]*)"', review)
    answer = submit(browser, review, acknowledged="on", phrase=phrase.group(1) if phrase else "")
    row = Submission.objects.get()
    shown = browser.get(answer.headers["Location"])
    assert words(shown).untranslated() == []
    assert HAN.search(shown.content.decode())
    kept = [row.detail, *map(str, row.approval_rules or []), *map(str, row.warnings or [])]
    assert not HAN.search(" ".join(filter(None, kept)))
    written = Event.objects.filter(seq__gt=before).values_list("line", flat=True)
    assert [line for line in written if HAN.search(line)] == []


def test_what_was_stored_in_english_is_told_in_chinese(operator: User) -> None:
    row = submissions.submit(body("copy"), by=operator_actor(operator))
    detail = "KooDrive gave no whole answer within 33 seconds."
    Submission.objects.filter(pk=row.pk).update(status="queued", hold="unreachable", detail=detail)
    browser = browser_of(operator)
    assert (
        "KooDrive 未在 33 秒内给出完整答复。"
        in browser.get(f"/submissions/{row.pk}/", headers=CHINESE).content.decode()
    )
    assert detail in browser.get(f"/submissions/{row.pk}/").content.decode()


def test_an_error_page_is_chinese_too(operator: User) -> None:
    answer = browser_of(operator).get(f"/submissions/{uuid4()}/", headers=CHINESE)
    assert (answer.status_code, words(answer).language) == (404, "zh-hans")
    assert "没有该内容，或您无权查看。" in answer.content.decode()


# --- Which language --------------------------------------------------------------------------------------------------
def test_a_browser_without_a_wish_gets_english(operator: User) -> None:
    for wish in ({}, {"Accept-Language": "fr"}, {"Accept-Language": "\0;q=x"}):
        assert words(Client().get("/sign-in/", headers=wish)).language == "en"


@pytest.mark.parametrize("wish", ["zh", "zh-CN", "zh-Hans", "zh-SG", "ZH-cn;q=0.8, fr"])
def test_chinese_by_any_name(database: None, wish: str) -> None:
    answer = Client().get("/sign-in/", headers={"Accept-Language": wish})
    assert (words(answer).language, answer.headers["Content-Language"]) == ("zh-hans", "zh-hans")
    assert "Accept-Language" in answer.headers["Vary"]


def test_who_is_not_signed_in_chooses_by_a_button_without_a_script(operator: User) -> None:
    client = Client(enforce_csrf_checks=True)
    page = client.get("/sign-in/?next=/approvals/").content.decode()
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
    assert token
    assert ">简体中文</button>" in page
    chosen = {"language": "zh-hans", "next": "/sign-in/?next=/approvals/", "csrfmiddlewaretoken": token.group(1)}
    answer = client.post("/sign-in/language/", chosen)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/sign-in/?next=/approvals/")
    cookie = answer.cookies["language"]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Lax", "/")
    assert words(client.get("/sign-in/", headers={"Accept-Language": "en"})).language == "zh-hans"
    assert client.post("/sign-in/language/", chosen | {"csrfmiddlewaretoken": ""}).status_code == 403
    signed_in = {"username": "olga", "password": PASSWORD, "csrfmiddlewaretoken": token.group(1)}
    client.post("/sign-in/", signed_in)
    assert words(client.get("/")).language == "zh-hans"


def test_a_language_that_there_is_not_changes_nothing(database: None) -> None:
    client = Client()
    client.post("/sign-in/language/", {"language": "xx", "next": "/sign-in/"})
    client.cookies["language"] = "../../etc"
    assert words(client.get("/sign-in/")).language == "en"


def test_what_the_person_chose_comes_first(operator: User) -> None:
    browser = browser_of(operator)
    browser.cookies["language"] = "en"
    speaks(operator, "zh-hans")
    assert words(browser.get("/", headers={"Accept-Language": "en"})).language == "zh-hans"
    browser.cookies["language"] = "zh-hans"
    speaks(operator, "en")
    assert words(browser.get("/", headers=CHINESE)).language == "en"
    speaks(operator, "")
    assert words(browser.get("/")).language == "zh-hans"


def test_the_button_counts_for_who_has_chosen_another_language_on_their_profile(operator: User) -> None:
    browser = browser_of(operator)
    speaks(operator, "en")
    User.objects.filter(pk=operator.pk).update(time_zone="Asia/Shanghai")
    assert ">简体中文</button>" in browser.get("/").content.decode()
    browser.post("/sign-in/language/", {"language": "zh-hans", "next": "/"})
    assert words(browser.get("/", headers={"Accept-Language": "en"})).language == "zh-hans"
    assert "Asia/Shanghai" in browser.get("/").content.decode()
    browser.post("/sign-in/language/", {"language": "xx", "next": "https://evil.example/"})
    operator.refresh_from_db()
    assert (operator.language, operator.time_zone) == ("zh-hans", "Asia/Shanghai")


def test_what_answers_a_form_has_no_button_since_it_cant_be_asked_for_again(operator: User) -> None:
    wrong = browser_of(operator).post("/submissions/new/review/", typed("copy", reason=""))
    assert wrong.status_code == 400
    assert "简体中文" not in wrong.content.decode()


def test_the_profile_offers_both_languages_and_keeps_the_choice(operator: User) -> None:
    browser = browser_of(operator)
    assert '<option value="zh-hans" lang="zh-hans">简体中文</option>' in browser.get("/profile/").content.decode()
    browser.post("/profile/display/", {"theme": "", "language": "zh-hans", "time_zone": "UTC"})
    assert words(browser.get("/profile/")).language == "zh-hans"
    cookie = browser.cookies["language"]
    assert (cookie["httponly"], cookie["samesite"]) == (True, "Lax")


def test_one_answer_leaves_nothing_for_the_next(operator: User) -> None:
    browser = browser_of(operator)
    assert words(browser.get("/", headers=CHINESE)).language == "zh-hans"
    assert translation.get_language() == "en"
    assert words(browser.get("/")).language == "en"


# --- The API ---------------------------------------------------------------------------------------------------------
def test_the_api_is_english_for_everybody(there: World) -> None:
    token = token_of("another", *SUBMISSION_SCOPES)
    client = Client(headers=CHINESE, raise_request_exception=False)
    client.cookies["language"] = "zh-hans"
    found = []
    for headers in ({}, {"Authorization": f"Bearer {token}"}, {"Authorization": "Bearer wrong"}):
        for path in CALLS:
            for answer in (
                client.get(there.at(path), headers=headers),
                client.post(there.at(path), "{}", content_type="application/json", headers=headers),
                client.post(there.at(path), "{", content_type="application/json", headers=headers),
            ):
                said = answer.content.decode(errors="replace") if not answer.streaming else ""
                said += answer.headers.get("Content-Language", "")
                found += [(path, answer.status_code)] if HAN.search(said) or "zh" in said[-8:] else []
    assert found == []


def test_its_problems_are_the_same_sentences_whatever_the_browser_wants(operator: User) -> None:
    speaks(operator, "zh-hans")
    browser = browser_of(operator)
    wanted = Api(token=token_of("payroll", *SUBMISSION_SCOPES)).post("submissions/validate/", body("copy", reason=7))
    asked = {"content_type": "application/json", "headers": CHINESE}
    answer = browser.post("/api/v1/submissions/validate/", body("copy", reason=7), **asked)
    assert answer.json()["errors"] == wanted.json()["errors"]
    assert answer.headers["Content-Language"] == "en"


# --- Mail ------------------------------------------------------------------------------------------------------------
def test_people_get_mail_in_their_language(operator: User, approver: User, settings: Any, mailoutbox: Any) -> None:
    settings.HAS_MAIL = True
    User.objects.filter(pk=operator.pk).update(email="olga@example.com")
    User.objects.filter(pk=approver.pk).update(email="anton@example.com")
    speaks(operator, "zh-hans")
    said = "Your export of the audit trail is ready", "There is no way back.\n\nThere is nothing to do.\n"
    assert mail.tell("olga@example.com", *said)
    assert mail.tell("team@example.com", *said)
    sent = {tuple(each.to): (each.subject, each.body) for each in mailoutbox}
    assert sent == {
        ("olga@example.com",): ("您申请的审计日志导出已完成", "无法恢复。\n\n无需处理。\n"),
        ("team@example.com",): said,
    }


def test_an_address_of_two_people_gets_english_where_they_differ(
    operator: User, approver: User, settings: Any, mailoutbox: Any
) -> None:
    settings.HAS_MAIL = True
    User.objects.update(email="both@example.com")
    speaks(operator, "zh-hans")
    with translation.override("zh-hans"):  # of the administrator at whose request it is written
        mail.tell("both@example.com", "There is no way back.", "There is nothing to do.")
    assert [each.subject for each in mailoutbox] == ["There is no way back."]
