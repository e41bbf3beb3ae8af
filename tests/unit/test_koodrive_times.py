"""When a task was made: from its id where that is credible, else from its 14 digits."""

from datetime import UTC, datetime, timedelta

import pytest
from django.conf import LazySettings

from jobs_app.koodrive import times
from jobs_app.koodrive.exchange import Answer
from jobs_app.koodrive.jobs import Job

TASK = "1486254586942472064"
MADE = datetime(2024, 8, 12, 7, 22, 33, tzinfo=UTC)
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def whole_seconds(at: datetime | None) -> datetime | None:
    return at and at.replace(microsecond=0)


def test_the_documented_id_tells_the_documented_time() -> None:
    assert whole_seconds(times.of_id(TASK)) == MADE


@pytest.mark.parametrize(
    ("task_id", "create_time", "expected"),
    [
        (TASK, None, MADE),
        (TASK, "20240812152233", MADE),
        (TASK, "20240812152445", MADE),
        pytest.param(TASK, "20240812072233", MADE, id="the zone that is set is wrong"),
        pytest.param(TASK, "20240812130740", MADE, id="a zone of three quarters"),
        pytest.param(TASK, "20250812152233", datetime(2025, 8, 12, 7, 22, 33, tzinfo=UTC), id="another scale"),
        pytest.param(TASK, "20240812153500", datetime(2024, 8, 12, 7, 35, tzinfo=UTC), id="12 minutes apart"),
        pytest.param("4711", "20240812152233", MADE, id="an id that is only a number"),
        pytest.param("4711", None, None, id="nothing tells the time"),
        pytest.param("4711", "20241345999999", None, id="digits that are no time"),
        pytest.param("9" * 19, None, None, id="an id from the future"),
        pytest.param(TASK, "2024-08-12 15:22:33", MADE, id="not 14 digits"),
        pytest.param(TASK, "٢٠٢٤٠٨١٢١٥٢٢٣٣", MADE, id="digits of another script"),
    ],
)
def test_the_id_counts_where_it_is_credible(task_id: str, create_time: str | None, expected: datetime | None) -> None:
    assert whole_seconds(times.created_at(Job(task_id, create_time=create_time), now=NOW)) == expected


def test_the_digits_are_read_in_the_zone_that_is_set(settings: LazySettings) -> None:
    settings.KOODRIVE_TIME_ZONE = "Europe/Berlin"
    assert times.of_digits("20240812092233") == MADE


@pytest.mark.parametrize("zone", ["Nowhere/Nothing", "../../etc/passwd"])
def test_without_the_zone_the_id_tells(settings: LazySettings, zone: str) -> None:
    settings.KOODRIVE_TIME_ZONE = zone
    assert times.of_digits("20240812092233") is None
    assert whole_seconds(times.created_at(Job(TASK, create_time="20240812152233"), now=NOW)) == MADE


def test_the_documented_example_of_a_task_agrees_with_itself() -> None:
    job = Job("1309243162258308352", create_time="20231212095227")
    assert whole_seconds(times.by_id(job, now=NOW)) == datetime(2023, 12, 12, 1, 52, 27, tzinfo=UTC)


@pytest.mark.parametrize("ahead", [-90, 0, 90])
def test_the_difference_of_the_clocks_comes_from_the_date(ahead: int) -> None:
    date = (NOW + timedelta(seconds=ahead)).strftime("%a, %d %b %Y %H:%M:%S GMT")
    answer = Answer(200, {"Date": date}, b"", milliseconds=200)
    found = times.clock_difference(answer, now=NOW)
    assert found is not None
    assert abs(found - timedelta(seconds=ahead)) <= timedelta(seconds=1)


@pytest.mark.parametrize("headers", [{}, {"Date": "yesterday"}, {"Date": ""}])
def test_without_a_legible_date_nothing_is_known(headers: dict[str, str]) -> None:
    assert times.clock_difference(Answer(200, headers, b""), now=NOW) is None
