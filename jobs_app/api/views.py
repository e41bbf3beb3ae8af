"""The REST calls: each reads values, calls a verb, and shows what came of it."""

from typing import Any
from uuid import UUID

from django.conf import settings
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from .. import approvals, effects, listing, permissions, submissions
from ..audit import read
from ..errors import Invalid, NotFound
from ..models import ApiToken, Submission
from ..operations import OPERATIONS
from . import documents
from .common import actor, decision_in, made_once, neighbour, visible


class Operations(APIView):
    def get(self, request: Request) -> Response:
        by = actor(request)
        permissions.require(permissions.read_catalogue(by), by=by, to="read_catalogue")
        return Response(documents.listed([documents.operation(each) for each in OPERATIONS]))


class Me(APIView):
    def get(self, request: Request) -> Response:
        by = actor(request)
        token = ApiToken.objects.filter(pk=by.token or 0).first()
        ends = token.expires_at if token else None
        return Response(documents.caller(by, token_ends=ends, max_files=settings.KOODRIVE_MAX_FILES))


class Submissions(APIView):
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

    def post(self, request: Request) -> Response:
        by = actor(request)
        permissions.require(permissions.submit(by), by=by, to="submit")
        return made_once(request, "submit", lambda call: submissions.submit(request.data, by=by, call=call))


class Validate(APIView):
    """What would become of a submission; nothing is stored."""

    def post(self, request: Request) -> Response:
        by = actor(request)
        try:
            checked = submissions.check(request.data, by=by)
        except Invalid as error:
            problems = [problem.as_json() for problem in error.problems]
            return Response({"errors": problems, "warnings": [], "approvalsNeeded": None, "sameEffect": []})
        return Response(
            {
                "errors": [],
                "warnings": [warning.as_json() for warning in checked.warnings],
                "approvalsNeeded": checked.operation.approvals,
                "sameEffect": [documents.same_effect(each) for each in effects.same(checked, by=by)],
            }
        )


class OneSubmission(APIView):
    def get(self, request: Request, pk: UUID) -> Response:
        return Response(documents.submission(visible(actor(request), pk)))


class Files(APIView):
    def get(self, request: Request, pk: UUID) -> Response:
        row = visible(actor(request), pk)
        return Response(documents.listed([documents.file(each) for each in row.files.all()]))


class Events(APIView):
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


class NothingHere(APIView):
    """Whatever address the API doesn't know."""

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        self.http_method_names = [request.method.lower()]
        setattr(self, request.method.lower(), self._not_found)
        return super().dispatch(request, *args, **kwargs)

    def _not_found(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        raise NotFound
