"""A text of the portal in another language: by itself, by its form, one of several, or not at all."""

from collections.abc import Iterator

import pytest
from django.utils import translation

from jobs_app.audit.actions import MEANINGS
from jobs_app.operations import OPERATIONS
from jobs_app.packs import chinese
from jobs_app.states import LABELS
from jobs_app.wording import translated


@pytest.fixture(autouse=True)
def in_chinese() -> Iterator[None]:
    with translation.override("zh-hans"):
        yield


def test_a_text_by_itself() -> None:
    assert translated("An approver rejected it; nothing was sent.") == "审批人已拒绝，未发送任何内容。"


def test_a_sentence_that_was_filled_in() -> None:
    said = translated("Name at most 1000 files in one submission; split the rest off.")
    assert said == "一个提交单最多 1000 个文件，请拆分其余文件。"


def test_what_is_filled_in_may_be_the_portals_words_again() -> None:
    pause = "All sending is paused since 2027-03-01 08:00:00 UTC: Somebody stopped it; an administrator lets it go on."
    assert translated(pause) == "全部发送自 2027-03-01 08:00:00 UTC 起已暂停：已有人停止发送，由管理员恢复。"
    rule = "“Delete for good” of more than 100 items (250 here) takes 2 approvals."
    assert translated(rule) == "“彻底删除”超过 100 项（此处共 250 项）需要 2 人审批。"


def test_several_sentences_and_lines() -> None:
    two = "There is no way back. What a person wrote. There is nothing to do."
    assert translated(two) == "无法恢复。What a person wrote. 无需处理。"
    lines = "There is no way back.\n\nName at most 9 files in one submission; split the rest off.\nhttps://portal.example/\n"
    assert translated(lines) == "无法恢复。\n\n一个提交单最多 9 个文件，请拆分其余文件。\nhttps://portal.example/\n"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "CHG-20311 move of the archive",
        "Task of the month",
        "copy that",
        "12 days and 3 hours",  # no form of one word takes so much
        "x" * 5000,
        "?: . " * 700,
    ],
)
def test_what_is_no_text_of_the_portal_stays(text: str) -> None:
    assert translated(text) == text


def test_a_name_that_is_filled_in_stays_though_it_is_a_word_of_the_portal() -> None:
    assert "空间 Move 受保护" in translated(
        "The space Move is protected: nothing is moved to the recycle bin, or deleted, from it."
    )


def test_in_english_everything_stays() -> None:
    with translation.override("en"):
        assert translated("There is no way back.") == "There is no way back."


def test_pages_and_evidence_packs_say_the_same() -> None:
    pages = {each.name: translated(each.label) for each in OPERATIONS}
    assert pages == chinese.OPERATIONS
    assert {state: translated(label) for state, label in LABELS.items()} == chinese.STATES
    assert {action: translated(said) for action, said in MEANINGS.items()} == chinese.ACTIONS
