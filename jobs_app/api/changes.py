"""What a caller does with a submission that is under way or has ended."""

from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from .. import cancelling, links, listing, permissions, submissions
from ..errors import Gone, NotFound, SettleFirst, WrongState
from . import documents
from .common import actor, made_once, neighbour, refuse_fields, retry_in, visible
from .description import CURSOR, KEY, LIMIT, described
from .refusals import REPEATING

_CANCEL = (NotFound, WrongState, SettleFirst)
_LOAD = (NotFound, WrongState, Gone)


class Cancel(APIView):
    @described("Cancel it, or have KooDrive asked to stop it", takes="Nothing", gives="Submission", errors=_CANCEL)
    def post(self, request: Request, pk: UUID) -> Response:
        by = actor(request)
        row = visible(by, pk)
        refuse_fields(request)
        return Response(documents.submission(cancelling.cancel(row, by=by)))


class Retry(APIView):
    @described(
        "Submit again what is not known to have succeeded",
        takes="NewTry",
        gives={201: "Submission", 200: "Submission"},
        errors=(NotFound, WrongState, *REPEATING),
        parameters=[KEY],
    )
    def post(self, request: Request, pk: UUID) -> Response:
        by = actor(request)
        row = visible(by, pk)
        permissions.require(permissions.retry(by, row), by=by, to="retry", submission=row)
        reason, password = retry_in(request)
        return made_once(
            request,
            f"retry {pk}",
            lambda call: submissions.retry(row, reason=reason, password=password, by=by, call=call),
        )


class Entries(APIView):
    @described("What an archive holds", gives="Entry", is_list=True, errors=(NotFound,), parameters=[CURSOR, LIMIT])
    def get(self, request: Request, pk: UUID) -> Response:
        row = visible(actor(request), pk)
        limit = listing.limit(request.query_params.get("limit"))
        page = listing.entries(row, cursor=request.query_params.get("cursor", ""), limit=limit)
        return Response(
            documents.listed(
                [documents.entry(each) for each in page.rows],
                older=neighbour(request, page.following),
                newer=neighbour(request, page.preceding),
            )
        )


class DownloadLink(APIView):
    @described("The address of a finished package", takes="Nothing", gives="DownloadLink", errors=_LOAD)
    def post(self, request: Request, pk: UUID) -> Response:
        by = actor(request)
        row = visible(by, pk)
        refuse_fields(request)
        return Response(documents.link(links.hand_out(row, by=by)))
