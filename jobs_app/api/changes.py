"""What a caller does with a submission that is under way or has ended."""

from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from .. import cancelling, links, listing, permissions, submissions
from . import documents
from .common import actor, made_once, neighbour, refuse_fields, retry_in, visible


class Cancel(APIView):
    def post(self, request: Request, pk: UUID) -> Response:
        by = actor(request)
        row = visible(by, pk)
        refuse_fields(request)
        return Response(documents.submission(cancelling.cancel(row, by=by)))


class Retry(APIView):
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
    def post(self, request: Request, pk: UUID) -> Response:
        by = actor(request)
        row = visible(by, pk)
        refuse_fields(request)
        link = documents.link(links.hand_out(row, by=by))
        return Response(link, headers={"Cache-Control": "no-store"})
