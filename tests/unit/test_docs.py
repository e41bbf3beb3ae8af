"""The docs say what the code says: what they list is drawn from the code, and what they link to exists.

After a change of the code, this draws the blocks between the markers anew:
``.venv/bin/python manage.py shell -c "from tests.unit.test_docs import redraw; redraw()"``
"""

import ast
import re
import tomllib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from django.conf import settings
from drf_spectacular.generators import SchemaGenerator

from jobs_app import bulk, documents, feed, idempotency, listing, metrics, rotation, tokens
from jobs_app.api import deprecations, problems
from jobs_app.audit.actions import MEANINGS, Action
from jobs_app.notices.kinds import KINDS
from jobs_app.operations import OPERATIONS, Danger, Use
from jobs_app.states import FINAL, LABELS, TRANSITIONS, State

ROOT = Path(__file__).parents[2]
REDRAW = '.venv/bin/python manage.py shell -c "from tests.unit.test_docs import redraw; redraw()"'
PAGES = sorted(path.relative_to(ROOT).as_posix() for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")))
# The two states in which a submission is stored.
FIRST = (State.AWAITING_APPROVAL, State.QUEUED)
USES = {Use.NO: "", Use.MAY: "may", Use.ADVISED: "may; a warning when absent", Use.MUST: "must"}
DANGERS = {Danger.HARMLESS: "harmless", Danger.CAREFUL: "careful", Danger.IRREVERSIBLE: "irreversible"}
# What a package does whose docstring doesn't say so.
PACKAGES = {
    "koodrive": "KooDrive's API: the only client of it, what its answers mean, and the sandbox that stands in for it.",
    "web": "The pages.",
    "api": "The REST API.",
    "templatetags": "What the templates need to show values.",
    "management": "The commands of `manage.py`.",
}


# --- What is drawn from the code -------------------------------------------------------------------------------------
def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table; a bar within a cell stays one cell."""
    cells = [list(heads), ["---"] * len(heads), *([cell.replace("|", "\\|") for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(row)} |" for row in cells)


def state_diagram() -> str:
    lines = [f"    [*] --> {first}" for first in FIRST]
    lines += [f"    {state} --> {later}" for state in State for later in State if later in TRANSITIONS[state]]
    lines += [f"    {state} --> [*]" for state in State if state in FINAL]
    return "\n".join(["```mermaid", "stateDiagram-v2", *lines, "```"])


def floors() -> str:
    """Every module of the import contract, the lowest floor first, with the first sentence of its docstring."""
    tools = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]
    [contract] = [each for each in tools["importlinter"]["contracts"] if each["type"] == "layers"]
    layers = [re.split(r"\s*[|:]\s*", layer) for layer in reversed(contract["layers"])]
    rows = [(str(floor), f"`{name}`", _purpose(name)) for floor, names in enumerate(layers) for name in names]
    return table(("floor", "module", "what it is"), rows)


def _purpose(name: str) -> str:
    folder = ROOT / "jobs_app" / name
    path = folder / "__init__.py" if folder.is_dir() else folder.with_suffix(".py")
    docstring = (ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "") if path.exists() else ""
    first = " ".join(docstring.partition("\n\n")[0].split()).replace("``", "`")
    return first or PACKAGES.get(name, "")


def states() -> str:
    rows = [(f"`{state}`", LABELS[state], "final" if state in FINAL else _following(state)) for state in State]
    return table(("state", "shown to people as", "may become"), rows)


def _following(state: State) -> str:
    return ", ".join(f"`{later}`" for later in State if later in TRANSITIONS[state])


def actions() -> str:
    return table(("action", "what it says"), [(f"`{action}`", MEANINGS[action]) for action in Action])


def operations() -> str:
    heads = ("operation", "taskType", "actionType", "files", "filePath", "newFilePath", "uncompressFilePaths")
    rows = [
        (
            f"`{each.name}`",
            str(each.task_type),
            "none" if each.action_type is None else f"{each.action_type}{_omitted(each.action_may_be_omitted)}",
            "exactly one" if each.one_file else "one or more",
            USES[each.file_path],
            USES[each.new_file_path],
            USES[each.uncompress_file_paths],
            USES[each.password],
            str(each.approvals),
        )
        for each in OPERATIONS
    ]
    return table((*heads, "password", "approvals"), rows)


def _omitted(may_be: bool) -> str:
    return ", filled in when omitted" if may_be else ""


def effects() -> str:
    rows = [(f"`{each.name}`", each.effect, each.way_back, DANGERS[each.danger]) for each in OPERATIONS]
    return table(("operation", "what it does", "the way back", "danger"), rows)


def errors() -> str:
    described = SchemaGenerator().get_schema(request=None, public=True)["components"]["examples"].values()
    prefix = problems.TYPE.format("")
    shown = [each["value"] for each in described if prefix in str(each["value"])]
    found = {(each["status"], each["type"].removeprefix(prefix), each["detail"]) for each in shown}
    rows = [(str(status), f"`{code}`", detail) for status, code, detail in sorted(found)]
    return table(("status", "code", "says"), rows)


def numbers() -> str:
    rows = [
        ("a body", f"at most {settings.DATA_UPLOAD_MAX_MEMORY_SIZE // 2**20} MB"),
        ("files of a submission", "`KOODRIVE_MAX_FILES` (1,000); `GET me/` tells"),
        ("submissions and files of one call", f"at most {bulk.MOST_ROWS:,} and {bulk.MOST_FILES:,}"),
        ("an id, a path, a reason or a label", _lengths()),
        ("a page of a list", f"{listing.PAGE}, `limit` up to {listing.LONGEST_PAGE}"),
        ("`notBefore`, `notAfter`", f"at most {documents.FURTHEST_DAYS} days ahead"),
        (
            "an `Idempotency-Key`",
            f"1 to {idempotency.LONGEST} printable ASCII characters, kept at least {_kept()} days",
        ),
        ("a second call with the same key waits", f"at most {idempotency.LONGEST_WAIT.total_seconds():g} seconds"),
        ("`wait`", f"at most {feed.LONGEST_WAIT:g} seconds, for half of a server's threads at once"),
        ("`Retry-After`", f"{problems.RETRY_SECONDS} seconds, but that of `too_many_calls` is exact"),
    ]
    return table(("what", "how much"), rows)


def _lengths() -> str:
    return f"at most {documents.LONGEST_ID}, {documents.LONGEST_PATH:,} or {documents.LONGEST_TEXT:,} characters"


def _kept() -> int:
    """They are forgotten a day later than is promised."""
    return idempotency.KEPT.days - 1


def kinds() -> str:
    rows = [
        (
            f"`{each.name}`",
            each.label,
            each.audience,
            "yes" if each.by_mail else "no",
            "no" if each.is_security else "yes",
        )
        for each in KINDS
    ]
    return table(("kind", "what of", "to", "mailed, unless chosen", "can be off in the portal"), rows)


def figures() -> str:
    rows = [
        (f"`{each.name}`", each.kind, ", ".join(f"`{label}`" for label in each.labels), f"{each.help}.")
        for each in metrics.ALL
    ]
    return table(("name", "kind", "labels", "what it tells"), rows)


BLOCKS: dict[tuple[str, str], Callable[[], str]] = {
    ("docs/architecture.md", "floors"): floors,
    ("docs/architecture.md", "states"): state_diagram,
    ("docs/audit.md", "actions"): actions,
    ("docs/audit.md", "states"): states,
    ("docs/catalogue.md", "operations"): operations,
    ("docs/catalogue.md", "effects"): effects,
    ("docs/monitoring.md", "metrics"): figures,
    ("docs/notices.md", "kinds"): kinds,
    ("docs/rest.md", "errors"): errors,
    ("docs/rest.md", "numbers"): numbers,
}


# --- Reading the docs ------------------------------------------------------------------------------------------------
def read(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def markers(name: str) -> tuple[str, str]:
    return f"<!-- {name}: drawn from the code by tests/unit/test_docs.py -->\n", f"\n<!-- {name}: end -->"


def block(page: str, name: str) -> str:
    """What stands between the markers of this name."""
    begin, end = markers(name)
    return read(page).partition(begin)[2].partition(end)[0]


def first_cells(page: str, heading: str) -> set[str]:
    """The first cell of each row of the tables below a heading, without back quotes."""
    section = re.split(r"^#+ ", read(page).partition(f"# {heading}\n")[2], maxsplit=1, flags=re.MULTILINE)[0]
    return set(re.findall(r"^\| `([^`]+)` \|", section, re.MULTILINE))


def links(page: str) -> Iterator[str]:
    """The relative targets of the page's links, without what follows a hash."""
    prose = re.sub(r"```.*?```", "", read(page), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", prose):
        path = target.partition("#")[0]
        if path and not re.match(r"[a-z]+:", path):
            yield path


def codes(called: str) -> set[str]:
    """The codes of problems, as they stand in the second argument of the calls of ``called``."""
    found = set()
    for name in ("validators.py", "documents.py"):
        for node in ast.walk(ast.parse((ROOT / "jobs_app" / name).read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and called == getattr(node.func, "attr", getattr(node.func, "id", "")):
                given = [keyword.value for keyword in node.keywords if keyword.arg == "code"] + node.args[1:2]
                found |= {part.value for each in given for part in ast.walk(each) if isinstance(part, ast.Constant)}
    return {code for code in found if isinstance(code, str)}


# --- The tests -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("page", "name"), BLOCKS)
def test_what_is_drawn_from_the_code_is_as_the_code_draws_it(page: str, name: str) -> None:
    wanted = BLOCKS[page, name]()
    assert block(page, name) == wanted, f"{page}, block {name}, must be:\n\n{wanted}\n\nDraw it anew by:\n{REDRAW}"


def test_every_action_and_every_state_has_its_row() -> None:
    assert set(MEANINGS) == set(Action)
    assert first_cells("docs/audit.md", "Actions") == {str(action) for action in Action}
    assert first_cells("docs/audit.md", "States") == {str(state) for state in State}


def test_the_catalogue_lists_every_error_code_of_validation_and_no_other() -> None:
    assert len(codes("add")) > 10
    assert first_cells("docs/catalogue.md", "Errors") == codes("add")


def test_the_catalogue_lists_every_warning_and_no_other() -> None:
    assert codes("Problem")
    assert first_cells("docs/catalogue.md", "Warnings") == codes("Problem")


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_to_a_file(page: str) -> None:
    assert [path for path in links(page) if not ((ROOT / page).parent / path).exists()] == []


def test_every_page_of_the_docs_is_named_in_the_readme() -> None:
    assert {page for page in PAGES if page != "README.md"} <= set(links("README.md"))


def test_every_target_of_make_that_the_docs_name_exists() -> None:
    known = set(re.findall(r"^([a-z]+):", read("Makefile"), re.MULTILINE))
    named = {target for page in PAGES for target in re.findall(r"(?:`|^)make ([a-z]+)", read(page), re.MULTILINE)}
    assert named
    assert named <= known


def test_the_numbers_in_the_prose_are_the_codes() -> None:
    shortest, longest = (each.total_seconds() for each in (rotation.SHORTEST_OVERLAP, rotation.LONGEST_OVERLAP))
    for page, sentence in [
        ("docs/rest.md", f"months ({deprecations.NOTICE.days} days)"),
        ("docs/services.md", f"an hour unless told, at least {shortest:g} seconds and at most {longest:,g}"),
        ("docs/services.md", f"after {tokens.USUAL_DAYS} days unless told, {tokens.LONGEST_DAYS} at most"),
    ]:
        assert sentence in " ".join(read(page).split())
    assert rotation.USUAL_OVERLAP.total_seconds() == 3600


def redraw() -> None:
    """Writes every block anew."""
    for (page, name), draw in BLOCKS.items():
        begin, end = markers(name)
        before, found, rest = read(page).partition(begin)
        _, closed, after = rest.partition(end)
        assert found, f"{page} lacks the marker {begin}"
        assert closed, f"{page} lacks the marker {end}"
        (ROOT / page).write_text(f"{before}{begin}{draw()}{closed}{after}", encoding="utf-8")
