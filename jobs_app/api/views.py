"""The REST calls: each reads values, calls a verb, and shows what came of it."""

from typing import Any
from uuid import UUID

from django.conf import settings
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from .. import approvals, effects, listing, permissions, policies, submissions
from ..audit import read
from ..errors import Invalid, NotFound, UnreadableLine
from ..models import Submission
from ..operations import BY_NAME, OPERATIONS
from ..states import State
from . import documents
from .authentication import ServiceUser
from .common import actor, decision_in, made_once, neighbour, visible
from .description import CURSOR, KEY, LIMIT, described, text
from .refusals import DECIDING, REPEATING
from .schemas import one_of

_FILTERS = [
    CURSOR,
    LIMIT,
    OpenApiParameter("status", {"type": "array", "items": one_of(State)}, style="form", explode=False),
    OpenApiParameter("operation", {"type": "array", "items": one_of(BY_NAME)}, style="form", explode=False),
    OpenApiParameter("final", one_of(["true", "false"])),
    text("createdBy", "Such as service:3.", pattern="^(person|service):[0-9]{1,18}$"),
    text("taskId", "KooDrive's task id."),
    text("fileId", "A file that it names."),
    text("reference", "Its ticket."),
    text("batch", "The batch that it is of.", format="uuid"),
    text("retryOf", "The submission that it repeats.", format="uuid"),
    text("since", "Made at this time or later.", format="date-time"),
    text("until", "Made before this time.", format="date-time"),
    text("updatedSince", "Changed at this time or later.", format="date-time"),
]


class Operations(APIView):
    @described("The catalogue of operations", gives="Operation", is_list=True)
    def get(self, request: Request) -> Response:
        by = actor(request)
        permissions.require(permissions.read_catalogue(by), by=by, to="read_catalogue")
        rules = policies.current().rules
        known = [documents.operation(each, approvals=rules[f"approvals.{each.name}"]) for each in OPERATIONS]
        return Response(documents.listed(known))


class Me(APIView):
    @described("Who the caller is", gives="Caller")
    def get(self, request: Request) -> Response:
        token = request.user.token if isinstance(request.user, ServiceUser) else None
        return Response(documents.caller(actor(request), token=token, max_files=settings.KOODRIVE_MAX_FILES))


class Submissions(APIView):
    @described(
        "Submissions, newest first", gives="Submission", is_list=True, parameters=_FILTERS, name="submissions_list"
    )
    def get(self, request: Request) -> Response:
        by = actor(request)
        permissions.require(permissions.read_submissions(by), by=by, to="read_submissions")
        parameters = request.query_params
        rows = listing.filtered(permissions.visible_to(by).with_people(), dict(parameters.lists()))
        limit = listing.limit(parameters.get("limit"))
        page = listing.page(rows, cursor=parameters.get("cursor", ""), limit=limit)
        return Response(
            documents.listed(
                documents.submissions(page.rows),
                older=neighbour(request, page.older),
                newer=neighbour(request, page.newer),
            )
        )

    @described(
        "Submit a request",
        takes="NewSubmission",
        gives={201: "Submission", 200: "Submission"},
        errors=REPEATING,
        parameters=[KEY],
    )
    def post(self, request: Request) -> Response:
        by = actor(request)
        permissions.require(permissions.submit(by), by=by, to="submit")
        return made_once(request, "submit", lambda call: submissions.submit(request.data, by=by, call=call))


class Validate(APIView):
    """What would become of a submission; nothing is stored."""

    @described("Try a request without submitting it", takes="AnyRequest", gives="Validation")
    def post(self, request: Request) -> Response:
        by = actor(request)
        try:
            checked = submissions.check(request.data, by=by)
        except Invalid as error:
            problems = [problem.as_json() for problem in error.problems]
            return Response({"errors": problems, "warnings": [], "approvalsNeeded": None, "sameEffect": []})
        [applies] = policies.applies([checked], by=by)
        return Response(
            {
                "errors": [],
                "warnings": [warning.as_json() for warning in checked.warnings],
                "approvalsNeeded": applies.approvals,
                "sameEffect": [documents.same_effect(each) for each in effects.same([checked], by=by)],
            }
        )


class OneSubmission(APIView):
    @described("One submission", gives="Submission", errors=(NotFound,))
    def get(self, request: Request, pk: UUID) -> Response:
        return Response(documents.submission(visible(actor(request), pk)))


class Files(APIView):
    @described("Its files and what became of each", gives="File", is_list=True, errors=(NotFound,))
    def get(self, request: Request, pk: UUID) -> Response:
        row = visible(actor(request), pk)
        return Response(documents.listed([documents.file(each) for each in row.files.all()]))


class Events(APIView):
    @described("Its audit events, oldest first", gives="Event", is_list=True, errors=(NotFound, UnreadableLine))
    def get(self, request: Request, pk: UUID) -> Response:
        row = Submission.objects.filter(pk=pk).first()
        if row is None:
            raise NotFound
        if refusal := permissions.read_events(actor(request), row):
            raise refusal
        lines = read.of_submission(row.pk)
        return Response(documents.listed([line.parsed | {"hash": line.hash} for line in lines]))


class Decision(APIView):
    """One person's approval or refusal of the request whose hash they looked at."""

    verb = staticmethod(approvals.approve)

    @described(
        "Decide on exactly the request that was looked at",
        takes="Decision",
        gives="Submission",
        errors=DECIDING,
    )
    def post(self, request: Request, pk: UUID) -> Response:
        by = actor(request)
        row = visible(by, pk)
        permissions.require(permissions.decide(by, row), by=by, to="decide", submission=row)
        sha256, comment = decision_in(request)
        decided = self.verb(row, by=by, request_sha256=sha256, comment=comment)
        return Response(documents.submission(decided))


class Approve(Decision):
    verb = staticmethod(approvals.approve)


class Reject(Decision):
    verb = staticmethod(approvals.reject)


_SLASH = "There is no such address; those of the API end with a slash."


@extend_schema(exclude=True)
class NothingHere(APIView):
    """Whatever address the API doesn't know."""

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        self.http_method_names = [request.method.lower()]
        setattr(self, request.method.lower(), self._not_found)
        return super().dispatch(request, *args, **kwargs)

    def _not_found(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        raise NotFound("" if request.path.endswith("/") else _SLASH)
