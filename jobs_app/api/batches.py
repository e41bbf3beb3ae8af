"""The REST calls that submit many at once, and those about a batch."""

from typing import Any
from uuid import UUID

from django.http import StreamingHttpResponse
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from .. import batches, bulk, importing, lineage, permissions
from ..actors import Actor
from ..errors import NotFound, TooLarge, WrongState
from ..models import Batch
from . import documents
from .common import actor, batch_made_once, decision_in, refuse_fields, retry_in
from .description import KEY, described, text
from .parsers import StrictJSONParser, TableParser
from .refusals import DECIDING, REPEATING

# What is the same for all files of a table.
_TABLE = [text(name, "Of a table: the same for all of its files.") for name in importing.SHARED]


class Bulk(APIView):
    """Many submissions in one JSON document, or one operation on the files of a table."""

    parser_classes = [StrictJSONParser, TableParser]

    @described(
        "Submit many at once",
        takes={"application/json": "NewBatch", TableParser.media_type: "Table"},
        gives={201: "BatchMade", 200: "BatchMade"},
        errors=(*REPEATING, TooLarge),
        parameters=[KEY, *_TABLE],
    )
    def post(self, request: Request) -> Response:
        by = actor(request)
        permissions.require(permissions.submit(by), by=by, to="submit")
        if not _is_table(request):
            return batch_made_once(
                request, ("bulk", request.data), lambda call: bulk.submit(request.data, by=by, call=call)
            )
        text, parameters = str(request.data or ""), request.query_params.dict()
        return batch_made_once(
            request, ("import", [text, parameters]), lambda call: bulk.submit_table(text, parameters, by=by, call=call)
        )


class OneBatch(APIView):
    @described("One batch", gives="Batch", errors=(NotFound,))
    def get(self, request: Request, pk: UUID) -> Response:
        return Response(documents.batch(_visible(actor(request), pk)))


class Results(APIView):
    """What became of every file, as a table."""

    @described("What became of every file", gives={200: "Table"}, media="text/csv", errors=(NotFound,))
    def get(self, request: Request, pk: UUID) -> StreamingHttpResponse:
        row = _visible(actor(request), pk)
        headers = {"Content-Disposition": f'attachment; filename="batch-{row.pk}.csv"'}
        return StreamingHttpResponse(lineage.table(row), content_type="text/csv; charset=utf-8", headers=headers)

    def perform_content_negotiation(self, request: Request, force: bool = False) -> Any:
        """Whatever the caller accepts: the answer is a table, and an error a problem document."""
        return super().perform_content_negotiation(request, force=True)


class Decision(APIView):
    """One person's decision about every member that waits for one, by the hash of the batch they looked at."""

    verb = staticmethod(batches.approve)

    @described(
        "Decide on all of it",
        takes="Decision",
        gives="Batch",
        errors=DECIDING,
    )
    def post(self, request: Request, pk: UUID) -> Response:
        by = actor(request)
        row = _visible(by, pk)
        permissions.require(permissions.decide(by, row), by=by, to="decide", batch=str(row.pk))
        sha256, comment = decision_in(request)
        return Response(documents.batch(self.verb(row, by=by, request_sha256=sha256, comment=comment)))


class Approve(Decision):
    verb = staticmethod(batches.approve)


class Reject(Decision):
    verb = staticmethod(batches.reject)


class Cancel(APIView):
    @described("Cancel what can be", takes="Nothing", gives="BatchCancelled", errors=(NotFound, WrongState))
    def post(self, request: Request, pk: UUID) -> Response:
        by = actor(request)
        row = _visible(by, pk)
        refuse_fields(request)
        return Response({"batch": str(row.pk), "results": batches.cancel(row, by=by)})


class Retry(APIView):
    @described(
        "Submit again what ended without full success",
        takes="NewTry",
        gives={201: "BatchMade", 200: "BatchMade"},
        errors=(NotFound, WrongState, *REPEATING),
        parameters=[KEY],
    )
    def post(self, request: Request, pk: UUID) -> Response:
        by = actor(request)
        row = _visible(by, pk)
        permissions.require(permissions.change(by, row), by=by, to="retry", batch=str(row.pk))
        reason, password = retry_in(request)
        return batch_made_once(
            request,
            (f"retry batch {pk}", request.data),
            lambda call: batches.retry(row, reason=reason, password=password, by=by, call=call),
        )


def _visible(by: Actor, pk: UUID) -> Batch:
    row = permissions.batches_visible_to(by).select_related("person", "service").filter(pk=pk).first()
    if row is None:
        raise NotFound
    return row


def _is_table(request: Request) -> bool:
    return (request.content_type or "").partition(";")[0].strip().lower() == TableParser.media_type
