"""What can be done with the targets of a submission that is composed: load, mend and edit them, one form for all."""

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_POST

from .. import permissions, targets
from ..errors import Invalid
from ..wording import translated
from . import tables
from .actor import actor_of
from .compose import form
from .fields import Fields, by_line
from .panel import Panel, problems_of, taken_in

BAD_ROWS = "to-mend.csv"
TEMPLATE = "files.csv"


@require_POST
@sensitive_post_parameters("password")
def change(request: HttpRequest) -> HttpResponse:
    """The form after what its button says (``do``) was done with the targets; nothing is submitted."""
    by = actor_of(request)
    permissions.require(permissions.submit(by), by=by, to="submit")
    fields = Fields.posted(request.POST)
    do, _colon, start = request.POST.get("do", "").partition(":")
    notes: list[str] = []
    trouble: list[str] = []
    if do in ("load", "add"):
        upload = request.FILES.get("table")
        try:
            if upload:
                fields, notes = taken_in(fields, upload, adding=do == "add", by=by)
            else:
                trouble = [_("Choose a file first.")]
        except Invalid as error:
            trouble = [problem.detail for problem in error.problems]
    elif do in _DOING:
        fields, notes = _DOING[do](fields, by_line(problems_of(fields, by=by)))
    shown = Panel(
        fields,
        problems_of(fields, by=by) if fields.values["files"].strip() else [],
        notes=notes,
        trouble=trouble,
        edits=do in ("rows", "bad") or (do not in ("text", "clear", "load") and "in_rows" in request.POST),
        only_bad=do == "bad" or (do != "rows" and "only_bad" in request.POST),
        start=int(start[:9]) if start.isascii() and start.isdigit() else 0,
    )
    return form(request, shown)


@require_POST
@sensitive_post_parameters("password")
def bad_rows(request: HttpRequest) -> StreamingHttpResponse:
    """The lines that have to be mended, with what is wrong with each, as CSV."""
    by = actor_of(request)
    permissions.require(permissions.submit(by), by=by, to="submit")
    fields = Fields.posted(request.POST)
    said = by_line(problems_of(fields, by=by))
    rows = [(row, [translated(each) for each in said[number]]) for number, row in fields.targets.rows if number in said]
    return tables.answer(targets.to_mend(rows), BAD_ROWS)


@require_GET
def template(request: HttpRequest) -> StreamingHttpResponse:
    """A table to be filled in."""
    by = actor_of(request)
    permissions.require(permissions.submit(by), by=by, to="submit")
    return tables.answer(targets.template(), TEMPLATE)


def _once(fields: Fields, _bad: dict[int, list[str]]) -> tuple[Fields, list[str]]:
    kept = [row for _number, row in targets.once_each(fields.targets.rows)]
    gone = len(fields.targets.rows) - len(kept)
    said = ngettext("%d line that named a file again is gone.", "%d lines that named a file again are gone.", gone)
    return (fields.with_rows(kept), [said % gone]) if gone else (fields, [])


def _without_bad(fields: Fields, bad: dict[int, list[str]]) -> tuple[Fields, list[str]]:
    kept = [row for number, row in fields.targets.rows if number not in bad]
    gone = len(fields.targets.rows) - len(kept)
    said = ngettext("%d line with an error is gone.", "%d lines with errors are gone.", gone)
    return (fields.with_rows(kept), [said % gone]) if gone else (fields, [])


def _clear(fields: Fields, _bad: dict[int, list[str]]) -> tuple[Fields, list[str]]:
    return fields.with_text(""), []


_DOING = {"once": _once, "drop": _without_bad, "clear": _clear}
