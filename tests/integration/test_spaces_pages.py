"""The pages of the directory: who sees and does what there, its table in and out, and names beside ids elsewhere."""

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from jobs_app import csvs, directory_table, submissions
from jobs_app.actors import Role
from jobs_app.errors import Invalid, TooLarge
from jobs_app.models import Event, Proposal, Space, User
from tests.conftest import make_person
from tests.doors import newest_event
from tests.doors import operator_actor as acting
from tests.examples import OTHER_SPACE, SPACE, body
from tests.spaces import MATTER, add_space

GOOD = f"""spaceId;name;owner;protected;hold;holdUntil
{SPACE};归档 Archive;olga;yes;;
{OTHER_SPACE};Team A;;no;{MATTER};2099-12-31
"""


def page(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def text_of(answer: Any) -> str:
    return " ".join(answer.content.decode().split())


def uploaded(user: User, content: str | bytes, reason: str = "the list of March") -> Any:
    data = content.encode() if isinstance(content, str) else content
    table = SimpleUploadedFile("s.csv", data)
    return page(user).post("/spaces/import/", {"table": table, "reason": reason}, follow=True)


# --- The pages -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("role", Role)
def test_every_person_with_a_role_reads_and_only_administrators_are_offered_more(
    administrator: User, role: Role
) -> None:
    space = add_space(administrator, protected="yes")
    client = page(make_person("p", role))
    assert 'href="/spaces/"' in text_of(client.get("/"))
    listed, one = text_of(client.get("/spaces/")), text_of(client.get(f"/spaces/{space.pk}/"))
    may = role is Role.ADMINISTRATOR
    for words in ("Archive", SPACE, "protected"):
        assert words in listed
        assert words in one
    assert ('action="/spaces/import/"' in listed) == ('name="hold"' in one) == may
    assert client.get("/spaces/new/").status_code == (200 if may else 403)
    for path in (f"/spaces/{space.pk}/", f"/spaces/{space.pk}/remove/", "/spaces/new/", "/spaces/import/"):
        if not may:
            assert client.post(path, {"name": "Mine", "reason": "r"}).status_code == 403
    assert Space.objects.get().name == "Archive"


def test_a_stranger_sees_nothing(administrator: User, stranger: User) -> None:
    space = add_space(administrator)
    for path in ("/spaces/", f"/spaces/{space.pk}/", "/spaces/table/"):
        assert page(stranger).get(path).status_code == 403
    assert 'href="/spaces/"' not in text_of(page(stranger).get("/"))


def test_an_empty_directory_says_what_it_is_for(operator: User, administrator: User) -> None:
    assert "An administrator does that." in text_of(page(operator).get("/spaces/"))
    shown = text_of(page(administrator).get("/spaces/"))
    assert "No space has a name yet." in shown
    assert "An administrator does that." not in shown


def test_the_list_is_narrowed_down(administrator: User) -> None:
    add_space(administrator, protected="yes")
    add_space(administrator, OTHER_SPACE, name="Team A")
    client = page(administrator)
    for query, found in (({"q": "team"}, "Team A"), ({"q": SPACE[-9:]}, "Archive"), ({"rule": "any"}, "Archive")):
        shown = text_of(client.get("/spaces/", query))
        assert found in shown
        assert ({"Team A", "Archive"} - {found}).pop() not in shown
    assert "No space fits." in text_of(client.get("/spaces/", {"q": "nothing\0"}))


def test_the_way_of_a_space_in_a_browser(administrator: User) -> None:
    second = make_person("arthur", Role.ADMINISTRATOR)
    client = page(administrator)
    new = {"spaceId": f" {SPACE} ", "name": "Archive", "owner": "", "boxes": ["protected", "approvalAlways"]}
    assert "Say why you do this" in text_of(client.post("/spaces/new/", new))
    answer = client.post("/spaces/new/", new | {"reason": "March", "protected": "yes"}, follow=True)
    assert "The space is in the directory." in text_of(answer)
    space = Space.objects.get()
    assert (space.space_id, space.protected, space.approval_always) == (SPACE, True, False)
    here = f"/spaces/{space.pk}/"
    assert "Name the matter" in text_of(client.post(here, {"hold": "", "holdUntil": "", "reason": "r"}))
    client.post(here, {"hold": MATTER, "holdUntil": "2099-06-30", "reason": "asked by legal"})
    assert MATTER in text_of(client.get(here))
    said = text_of(client.post(here, {"lift": "1", "hold": "", "holdUntil": "", "reason": "over"}, follow=True))
    assert "waits for another administrator" in said
    assert "Withdraw" in said
    assert "Rules stand for this space" in text_of(client.post(f"{here}remove/", {"reason": "r"}, follow=True))
    proposal = Proposal.objects.get()
    other = page(second)
    assert "Space: space:" in text_of(other.get("/spaces/"))
    other.post(f"/proposals/{proposal.pk}/", {"decision": "confirmed", "next": here})
    other.post(here, new | {"reason": "opened", "name": "Open archive"})
    space.refresh_from_db()
    assert (space.name, space.hold, space.protected) == ("Open archive", "", True)
    assert Proposal.objects.filter(state="open", after={"protected": False}).exists()


def test_what_is_not_there_is_not_found(administrator: User) -> None:
    assert page(administrator).get("/spaces/7/").status_code == 404
    assert page(administrator).post("/spaces/7/remove/", {"reason": "r"}).status_code == 404


# --- The table -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "content",
    [GOOD, GOOD.encode("utf-8-sig"), GOOD.encode("gb18030"), GOOD.replace(";", ","), GOOD.replace(";", "\t")],
    ids=["utf-8", "byte order mark", "gb18030", "comma", "tab"],
)
def test_a_table_is_taken_over_whole(administrator: User, operator: User, content: str | bytes) -> None:
    add_space(administrator, OTHER_SPACE, description="stays")
    assert "1 space was added; 1 was there already." in text_of(uploaded(administrator, content))
    first, second = Space.objects.get(space_id=SPACE), Space.objects.get(space_id=OTHER_SPACE)
    assert (first.name, first.owner, first.protected) == ("归档 Archive", operator, True)
    assert (second.name, second.description, second.hold) == ("Team A", "stays", MATTER)
    assert newest_event("hold.set")["space"] == OTHER_SPACE
    assert (newest_event("space.added")["space"], newest_event("space.added")["reason"]) == (SPACE, "the list of March")


def test_every_line_that_is_wrong_is_told_and_nothing_is_taken_over(administrator: User, operator: User) -> None:
    add_space(administrator, protected="yes", hold=MATTER, holdUntil="2099-12-31")
    table = f"""spaceId,name,owner,protected,hold,holdUntil
{SPACE},Archive,,no,,2099-06-30
{OTHER_SPACE},,somebody,perhaps,,2099-06-30
{OTHER_SPACE},Team,,,,
,Nameless,,,,
too,short
"""
    answer = uploaded(administrator, table)
    assert answer.status_code == 400
    for line, names in {2: "protected holdUntil", 3: "name owner protected hold", 4: "spaceId", 5: "spaceId"}.items():
        for name in names.split():
            assert f"<code>/lines/{line}/{name}</code>" in text_of(answer)
    assert "<code>/lines/6</code>" in text_of(answer)
    assert "A table can&#x27;t loosen a rule" in text_of(answer)
    assert "Nothing was taken over." in text_of(answer)
    assert list(Space.objects.values_list("name", "protected")) == [("Archive", True)]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "Begin with a line that names the columns, spaceId among them."),
        (b"spaceId,colour\nx,red\n", "known are spaceId, name"),
        (b"spaceId,name\n", "Put at least one line"),
        (b'spaceId,name\nx,"open\n', "look at its quotation marks"),
        (b"spaceId,name\nx,a\0b\n", "can&#x27;t be read as text"),
        (b"\xff\xff\xff", "can&#x27;t be read as text"),
        (b"spaceId\n" + b"x\n" * 5001, "at most 5,000 lines"),
    ],
    ids=["empty", "unknown column", "no line", "quotation mark", "nul", "no text", "too long"],
)
def test_what_is_no_such_table_is_told_in_words(administrator: User, content: bytes, words: str) -> None:
    answer = uploaded(administrator, content)
    assert answer.status_code == 400
    assert words in text_of(answer)
    assert not Space.objects.exists()


def test_a_table_needs_a_reason_and_has_a_largest_size(administrator: User) -> None:
    assert "Say why you do this" in text_of(uploaded(administrator, GOOD.replace("olga", ""), reason=" "))
    with pytest.raises(TooLarge):
        directory_table.take_over(b"x" * (directory_table.LARGEST + 1), reason="r", by=acting(administrator))
    with pytest.raises(Invalid):
        directory_table.take_over(b"", reason="r", by=acting(administrator))
    assert not Space.objects.exists()


def test_what_was_loaded_is_taken_over_again_without_a_change(administrator: User, operator: User) -> None:
    uploaded(administrator, GOOD)
    add_space(administrator, "=1+1", name="-formula", description="of, March")
    answer = page(administrator).get("/spaces/table/")
    content = b"".join(answer.streaming_content)
    assert answer["Content-Disposition"] == 'attachment; filename="koodrive-spaces.csv"'
    assert "'=1+1,'-formula" in content.decode()
    before = Event.objects.filter(action__in=["space.added", "space.changed", "hold.set"]).count()
    assert "0 spaces were added; 3 were there already." in text_of(uploaded(administrator, content))
    assert Event.objects.filter(action__in=["space.added", "space.changed", "hold.set"]).count() == before


@pytest.mark.parametrize("text", ["=1", "'=1", "'", "plain", "+86"])
def test_a_cell_is_read_as_it_was_written(text: str) -> None:
    assert csvs.plain(csvs.cell(text)) == text or text == "'=1"


# --- Names beside ids ------------------------------------------------------------------------------------------------
def test_names_stand_beside_ids_wherever_people_look(
    administrator: User, operator: User, approver: User, auditor: User
) -> None:
    add_space(administrator, name="March archive", approvalAlways="yes")
    given = body("move", dstContainerId=OTHER_SPACE)
    made = submissions.submit(given, by=acting(operator))
    client = page(operator)
    for path in ("/submissions/", f"/submissions/{made.pk}/"):
        assert "March archive" in text_of(client.get(path))
    assert "March archive" in text_of(page(approver).get("/approvals/"))
    trail = page(auditor)
    assert "March archive" in text_of(trail.get(f"/audit/{Event.objects.filter(submission=made.pk).get().seq}/"))
    form = text_of(client.get("/submissions/new/?operation=move"))
    assert f'<option value="{SPACE}">March archive</option>' in form
    filled = {"operation": "move", "files": "F1", "source": SPACE, "target": OTHER_SPACE, "folder": "D1", "reason": "r"}
    review = text_of(client.post("/submissions/new/review/", filled))
    assert f'March archive <code class="text-break">{SPACE}</code>' in review
    assert "Whatever is done with the space March archive takes an approval." in review
    assert "Submit for approval" in review


def test_the_form_shows_what_a_space_forbids_beside_the_field(administrator: User, operator: User) -> None:
    add_space(administrator, hold=MATTER)
    filled = {"operation": "move", "files": "F1", "source": SPACE, "target": OTHER_SPACE, "folder": "D1", "reason": "r"}
    answer = page(operator).post("/submissions/new/review/", filled)
    assert answer.status_code == 400
    assert f"under the legal hold {MATTER}" in text_of(answer)


@pytest.mark.parametrize(
    ("typed", "is_named"),
    [
        ("March archive", True),
        (" march ARCHIVE ", True),
        ("March", False),
        (SPACE, True),
        ("\0", False),
    ],
)
def test_a_space_can_be_typed_by_its_name(administrator: User, operator: User, typed: str, is_named: bool) -> None:
    """Whatever names none is taken for an id, as KooDrive has more spaces."""
    add_space(administrator, name="March archive")
    filled = {"operation": "move", "files": "F1", "source": typed, "target": OTHER_SPACE, "folder": "D1", "reason": "r"}
    review = text_of(page(operator).post("/submissions/new/review/", filled))
    assert (f'March archive <code class="text-break">{SPACE}</code>' in review) is is_named


@pytest.mark.parametrize("place", ["source", "target"])
def test_a_name_that_two_spaces_have_is_refused_with_their_ids(administrator: User, operator: User, place: str) -> None:
    add_space(administrator, OTHER_SPACE, name="Twin")
    add_space(administrator, "IAB1", name="twin")
    filled = {"operation": "move", "files": "F1", "source": SPACE, "target": SPACE, "folder": "D1", "reason": "r"}
    answer = page(operator).post("/submissions/new/review/", filled | {place: "TWIN"})
    shown = text_of(answer)
    assert answer.status_code == 400
    assert "Several spaces are called so; give the id of one of them:" in shown
    assert "IAB1" in shown
    assert OTHER_SPACE in shown
    # An id is clear, whatever else is called so.
    add_space(administrator, SPACE, name=OTHER_SPACE)
    assert page(operator).post("/submissions/new/review/", filled | {place: OTHER_SPACE}).status_code == 200
