"""Times are shown in the reader's zone, which they name, with the exact UTC beside."""

from datetime import UTC, datetime
from urllib.parse import urlencode

import pytest
from django.http import QueryDict
from django.template import Context, Template
from django.utils import timezone, translation

from jobs_app import moments
from jobs_app.operations import BY_NAME
from jobs_app.web.fields import Fields

MOMENT = datetime(2026, 7, 1, 12, 30, 15, 250_000, tzinfo=UTC)


def shown(text: str, **values: object) -> str:
    return Template("{% load portal %}" + text).render(Context(values))


def test_without_a_zone_of_ones_own_it_is_utc() -> None:
    assert shown("{{ at|when }}", at=MOMENT) == (
        '<time datetime="2026-07-01T12:30:15.250000+00:00" title="2026-07-01T12:30:15.250000+00:00">'
        "2026-07-01 12:30:15 UTC</time>"
    )


@pytest.mark.parametrize(
    ("zone", "time"), [("Asia/Shanghai", "20:30:15"), ("Europe/Berlin", "14:30:15"), ("America/New_York", "08:30:15")]
)
def test_in_a_zone_the_exact_utc_stays(zone: str, time: str) -> None:
    with timezone.override(zone):
        full, cell = shown("{{ at|when }}", at=MOMENT), shown('{{ at|when:"cell" }} {% zone %}', at=MOMENT)
    assert f">2026-07-01 {time} {zone}<" in full
    assert f">2026-07-01 {time}</time> {zone}" in cell
    assert 'title="2026-07-01T12:30:15.250000+00:00"' in full


@pytest.mark.parametrize(
    ("said", "here"),
    [
        ("asked since 2026-07-01 12:30:15 UTC: no", "asked since 2026-07-01 20:30:15 Asia/Shanghai: no"),
        ("up to 2026-12-31 16:00 UTC.", "up to 2027-01-01 00:00 Asia/Shanghai."),
        ("from 2026-07-01 00:00 UTC to 2026-07-02 00:00 UTC", None),
        ("at 2026-13-01 12:30 UTC", "at 2026-13-01 12:30 UTC"),
        ("at 9999-12-31 23:59 UTC", "at 9999-12-31 23:59 UTC"),
        ("at 2026-07-01 12:30 UTC+8, 2026-07-01 and 12:30 UTC", "at 2026-07-01 12:30 UTC+8, 2026-07-01 and 12:30 UTC"),
    ],
)
def test_times_inside_a_sentence_are_in_the_readers_zone_too(said: str, here: str | None) -> None:
    assert shown("{{ said|translated }}", said=said) == said
    with timezone.override("Asia/Shanghai"):
        found = shown("{{ said|translated }}", said=said)
    assert found == (here or "from 2026-07-01 08:00 Asia/Shanghai to 2026-07-02 08:00 Asia/Shanghai")


def test_a_sentence_is_in_the_language_and_in_the_zone() -> None:
    said = "It wasn't sent by 2026-07-01 12:30 UTC, up to when its approvals held."
    with timezone.override("Asia/Shanghai"), translation.override("zh-hans"):
        assert shown("{{ said|translated }}", said=said) == (
            "未在 2026-07-01 20:30 Asia/Shanghai 之前发送，其审批仅在此前有效。"
        )


def test_a_time_of_the_trail_is_text() -> None:
    assert "2026-07-01 12:30:15 UTC" in shown("{{ at|when }}", at="2026-07-01T12:30:15.250000Z")


def test_only_known_zones_are_zones() -> None:
    assert [moments.zone(name) for name in ("Nowhere/City", "../../etc/passwd", "")] == [None] * 3
    assert moments.choices()[0] == "UTC"
    assert {"Asia/Shanghai", "Europe/Berlin"} < set(moments.choices())
    assert all(map(moments.zone, moments.choices()))


def composed(**typed: str) -> dict[str, object]:
    given = {"operation": "copy", "files": "1", **typed}
    return Fields.posted(QueryDict(urlencode(given))).base()


def test_times_of_the_form_are_typed_in_its_zone() -> None:
    with timezone.override("Asia/Shanghai"):
        assert Fields.empty(BY_NAME["copy"]).zone == "Asia/Shanghai"
        assert composed(not_before="2026-07-01T20:30")["notBefore"] == "2026-07-01T12:30:00Z"
        # Opened before the zone was changed: what was typed means what it meant then.
        assert composed(not_before="2026-07-01T20:30", zone="UTC")["notBefore"] == "2026-07-01T20:30:00Z"
    assert composed(not_after="2026-07-01T20:30", zone="Nowhere/City")["notAfter"] == "2026-07-01T20:30:00Z"


@pytest.mark.parametrize("typed", ["2026-07-01T12:30:00Z", "2026-07-01T12:30:00+02:00", "soon", "2026-99-99T00:00"])
def test_what_has_an_offset_or_is_no_time_is_left_to_the_check(typed: str) -> None:
    assert composed(not_before=typed, zone="Asia/Shanghai")["notBefore"] == typed
