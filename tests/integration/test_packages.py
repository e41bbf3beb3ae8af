"""What a task brings besides its files' results: the address of a package, and what is in an archive."""

import logging
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from jobs_app import links
from jobs_app.actors import Role, Scope
from jobs_app.audit import read
from jobs_app.errors import Gone, NotAllowed, WrongState
from jobs_app.koodrive.client import Client
from jobs_app.koodrive.sandbox import Quirks, Sandbox
from jobs_app.koodrive.sandbox.magic import file_id as magic
from jobs_app.koodrive.sandbox.views import ARCHIVE, download_url
from jobs_app.models import ArchiveEntry, DownloadLink, Submission, User
from tests.conftest import Api, make_person, token_of
from tests.doors import operator_actor as acting
from tests.doors import without_the_trail
from tests.examples import body, file_id
from tests.following import Send, actions, browser_of, events, page, polled, sent


@pytest.fixture
def finished(send: Send, sandbox: Sandbox, client: Client) -> Send:
    """Sends it and follows it to its end."""

    def send_and_follow(*file_ids: str, operation: str) -> Submission:
        made = send(*file_ids, operation=operation)
        sandbox.clock.advance(60)
        return polled(made, client)

    return send_and_follow


@pytest.fixture
def package(finished: Send) -> Submission:
    return finished(file_id(1), operation="package")


def url_of(sandbox: Sandbox, made: Submission) -> str:
    task = sandbox.jobs.get(made.task_id or "")
    assert task is not None
    return download_url(task, sandbox.url)


def follow(api: Api, address: str) -> Any:
    path, _, query = address.partition("/api/v1/")[2].partition("?")
    return api.get(f"{path}?{query}").json()


def test_the_link_is_kept_encrypted_for_as_long_as_the_package(package: Submission, sandbox: Sandbox) -> None:
    kept = DownloadLink.objects.get()
    assert url_of(sandbox, package).encode() not in bytes(kept.ciphertext)
    assert package.finished_at is not None
    assert abs(kept.expires_at - package.finished_at - timedelta(days=7)) < timedelta(seconds=5)
    assert events(package)[-1]["hasLink"] is True


def test_whoever_made_it_gets_the_link_as_often_as_it_lives(
    package: Submission, operator: User, sandbox: Sandbox
) -> None:
    api = Api(person=operator)
    for _ in range(2):
        answer = api.post(f"submissions/{package.pk}/download-link/", {})
        assert answer.status_code == 200
        assert answer["Cache-Control"] == "no-store, private"
        assert answer.json()["url"] == url_of(sandbox, package)
        assert answer.json()["expiresAt"].endswith("Z")
    assert actions(package)[-2:] == ["link.handed_out"] * 2
    assert events(package)[-1]["actor"]["id"] == f"person:{operator.pk}"


def test_the_link_stands_nowhere_unless_it_is_asked_for(
    package: Submission, operator: User, sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    url = url_of(sandbox, package)
    secret = url.partition("signature=")[2]
    api, browser = Api(person=operator), browser_of(operator)
    with caplog.at_level(logging.DEBUG):
        api.post(f"submissions/{package.pk}/download-link/", {})
    shown = page(browser, package)
    for path in ("", "files/", "events/"):
        shown += api.get(f"submissions/{package.pk}/{path}").content.decode()
    assert secret not in shown + caplog.text
    assert not any(secret in line.text for line in read.of_submission(package.pk))
    assert secret not in repr(links.hand_out(package, by=acting(operator)))


def test_the_page_hands_it_out_once_asked_and_lets_no_browser_keep_it(
    package: Submission, operator: User, auditor: User, sandbox: Sandbox
) -> None:
    browser, address = browser_of(operator), f"/submissions/{package.pk}/download-link/"
    assert f'action="{address}"' in page(browser, package)
    assert browser.get(address).status_code == 405
    answer: Any = browser.post(address)
    assert url_of(sandbox, package) in answer.content.decode()
    assert "no-store, private" in answer["Cache-Control"]
    assert f'action="{address}"' not in page(browser_of(auditor), package)
    assert browser_of(auditor).post(address).status_code == 403


def test_afterwards_it_is_gone(package: Submission, operator: User) -> None:
    DownloadLink.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    fresh = Submission.objects.get(pk=package.pk)
    with pytest.raises(Gone):
        links.hand_out(fresh, by=acting(operator))
    links.delete_expired()
    assert not DownloadLink.objects.exists()
    assert Api(person=operator).post(f"submissions/{package.pk}/download-link/", {}).status_code == 410
    assert browser_of(operator).post(f"/submissions/{package.pk}/download-link/").status_code == 410
    assert "no longer" in page(browser_of(operator), package)
    assert actions(package)[-1] == "task.finished"


def test_a_link_that_lives_is_not_deleted(package: Submission) -> None:
    links.delete_expired()
    assert DownloadLink.objects.exists()


def test_there_is_none_before_the_end_or_of_another_operation(send: Send, operator: User) -> None:
    for made in (send(file_id(1), operation="package"), send(file_id(2))):
        with pytest.raises(WrongState):
            links.hand_out(made, by=acting(operator))
        assert Api(person=operator).post(f"submissions/{made.pk}/download-link/", {}).status_code == 409


def test_a_package_whose_link_koodrive_does_not_tell_ends_all_the_same(
    finished: Send, operator: User, sandbox: Sandbox
) -> None:
    sandbox.quirks = Quirks(absent=frozenset({"downloadUrl"}))
    done = finished(file_id(1), operation="package")
    assert (done.status, events(done)[-1]["hasLink"]) == ("succeeded", False)
    with pytest.raises(Gone):
        links.hand_out(done, by=acting(operator))


def test_a_partly_failed_package_has_its_link_and_a_failed_one_has_none(finished: Send) -> None:
    partly = finished(file_id(1), magic("fails"), operation="package")
    failed = finished(magic("full"), operation="package")
    assert (partly.status, failed.status) == ("partially_failed", "failed")
    assert [link.submission_id for link in DownloadLink.objects.all()] == [partly.pk]


def test_without_the_trail_no_link_is_handed_out(package: Submission, operator: User) -> None:
    with without_the_trail():
        answer = Api(person=operator).post(f"submissions/{package.pk}/download-link/", {})
    assert answer.status_code == 503
    assert "url" not in answer.json()


def test_another_operator_may_have_it_and_others_may_not(package: Submission) -> None:
    for role in set(Role) - {Role.OPERATOR}:
        with pytest.raises(NotAllowed):
            links.hand_out(package, by=acting(make_person(f"p-{role}", role)))
    assert actions(package)[-1] == "permission.denied"
    assert links.hand_out(package, by=acting(make_person("oscar", Role.OPERATOR))).url


def test_a_service_gets_its_own(service: Api, stranger: User, sandbox: Sandbox, client: Client) -> None:
    id_ = service.post("submissions/", body("package")).json()["id"]
    made = sent(Submission.objects.get(pk=id_), client)
    sandbox.clock.advance(60)
    polled(made, client)
    path = f"submissions/{made.pk}/download-link/"
    assert Api(token=token_of("other", Scope.READ, Scope.WRITE)).post(path, {}).status_code == 404
    assert Api(token=token_of("all", Scope.READ_ALL)).post(path, {}).status_code == 403
    assert Api(person=stranger).post(path, {}).status_code == 404
    assert service.post(path, {"for": "me"}).status_code == 400
    assert service.post(path, {}).json()["url"] == url_of(sandbox, made)


@pytest.fixture
def preview(finished: Send) -> Submission:
    return finished(file_id(1), operation="preview_archive")


def test_what_is_in_an_archive_is_stored_with_the_end(preview: Submission, service: Api) -> None:
    document = service.get(f"submissions/{preview.pk}/entries/").json()
    assert (document["next"], document["previous"]) == (None, None)
    assert [(row["name"], row["isFolder"], row["size"], row["row"]) for row in document["results"]] == [
        (name, kind == 2, size, row) for row, (name, kind, size) in enumerate(ARCHIVE)
    ]
    assert events(preview)[-1]["entries"] == len(ARCHIVE)


def test_entries_come_in_pages(preview: Submission, service: Api) -> None:
    path = f"submissions/{preview.pk}/entries/"
    first = service.get(path, limit=4).json()
    assert [row["row"] for row in first["results"]] == [0, 1, 2, 3]
    second = follow(service, first["next"])
    assert [row["row"] for row in second["results"]] == [4, 5]
    assert second["next"] is None
    assert follow(service, second["previous"]) == first
    for query in ("limit=0", "limit=201", "cursor=-1", "cursor=x", "cursor=99999999999"):
        assert service.get(f"{path}?{query}").status_code == 400


def test_entries_are_for_whoever_sees_the_submission(preview: Submission, auditor: User, stranger: User) -> None:
    path = f"submissions/{preview.pk}/entries/"
    assert Api(person=auditor).get(path).status_code == 200
    assert Api(person=stranger).get(path).status_code == 404
    assert Api(token=token_of("other", Scope.READ, Scope.WRITE)).get(path).status_code == 404


def test_an_archive_that_did_not_open_has_none(finished: Send, service: Api) -> None:
    made = finished(magic("locked"), operation="preview_archive")
    assert made.status == "failed"
    assert service.get(f"submissions/{made.pk}/entries/").json()["results"] == []


def test_what_the_vendor_leaves_out_is_not_guessed(finished: Send, sandbox: Sandbox) -> None:
    sandbox.quirks = Quirks(absent=frozenset({"type", "fileSize"}))
    made = finished(file_id(1), operation="preview_archive")
    folder, *_, file = ArchiveEntry.objects.filter(submission=made)
    assert (folder.is_folder, folder.size) == (True, None)
    assert (file.is_folder, file.size) == (None, None)


def test_the_pages_show_them(preview: Submission, operator: User) -> None:
    browser = browser_of(operator)
    listed: Any = browser.get(f"/submissions/{preview.pk}/entries/")
    for shown in (page(browser, preview), listed.content.decode()):
        assert "reports/2024/summary.pdf" in shown
        assert "48211" in shown.replace(",", "")
