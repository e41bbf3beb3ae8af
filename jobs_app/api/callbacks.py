"""The REST calls by which a service says where it gets its notices, and reads what became of them."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from .. import listing, permissions, receivers
from ..callbacks import log
from ..canonical import moment
from ..documents import Reader
from ..errors import Invalid, NotFound
from ..models import Callback, Delivery, Service
from ..receivers import Secret
from . import documents
from .common import actor, neighbour
from .description import CURSOR, LIMIT, described
from .schemas import one_of


class OwnCallback(APIView):
    """Where the calling service gets its notices."""

    @described("Its callback", gives="Callback", errors=(NotFound,))
    def get(self, request: Request) -> Response:
        return Response(_shown(_visible(request)))

    @described("Set its callback", takes="NewCallback", gives={200: "Callback", 201: "Callback"})
    def put(self, request: Request) -> Response:
        """201 and the secret when it is new, else 200; what can't be called is 400."""
        service = _service(request)
        secret = receivers.put(service, _url(request.data), by=actor(request))
        shown = _shown(Callback.objects.get(service=service))
        if secret is None:
            return Response(shown)
        return Response(shown | {"secret": secret.text}, status=status.HTTP_201_CREATED)

    @described("Remove its callback", gives={204: ""}, errors=(NotFound,))
    def delete(self, request: Request) -> Response:
        receivers.remove(_service(request), by=actor(request))
        return Response(status=status.HTTP_204_NO_CONTENT)


class RotateSecret(APIView):
    @described("Change the secret of its callback", gives="CallbackSecret", errors=(NotFound,))
    def post(self, request: Request) -> Response:
        return Response(_secret(receivers.rotate(_service(request), by=actor(request))))


class Deliveries(APIView):
    """What became of the notices, newest first."""

    @described(
        "What became of its notices",
        gives="Delivery",
        is_list=True,
        errors=(NotFound,),
        parameters=[CURSOR, LIMIT, OpenApiParameter("state", one_of(Delivery.State))],
        name="deliveries_list",
    )
    def get(self, request: Request) -> Response:
        callback, given = _visible(request), request.query_params
        found = log.page(
            callback,
            state=given.get("state", ""),
            cursor=given.get("cursor", ""),
            limit=listing.limit(given.get("limit")),
        )
        shown = [_delivery(each) for each in found.rows]
        return Response(documents.listed(shown, older=neighbour(request, found.older)))


def _service(request: Request) -> Service:
    by = actor(request)
    permissions.require(permissions.see_own_callback(by), by=by, to="see its callback")
    return Service.objects.get(pk=by.key)


def _visible(request: Request) -> Callback:
    callback = Callback.objects.filter(service=_service(request)).first()
    if callback is None:
        raise NotFound
    return callback


def _url(body: object) -> str:
    reader = Reader()
    given = reader.mapping(body, "", {"url"})
    url = reader.text(given, "url", "", required=True, longest=2048) if given is not None else None
    if reader.problems or url is None:
        raise Invalid(reader.problems)
    return url


def _shown(callback: Callback) -> dict[str, Any]:
    waiting = log.waiting(callback).get(callback.pk)
    return {
        "url": callback.url,
        "state": callback.state,
        "failing": callback.is_failing,
        "detail": callback.detail or None,
        "pending": waiting.count if waiting else 0,
        "pendingSince": moment(waiting.since) if waiting else None,
        "lastSuccessAt": moment(callback.succeeded_at),
        "formerSecretUntil": moment(callback.former_until),
        "setAt": moment(callback.set_at),
    }


def _secret(secret: Secret) -> dict[str, Any]:
    return {"secret": secret.text, "formerSecretUntil": moment(secret.former_until)}


def _delivery(row: Delivery) -> dict[str, Any]:
    document = row.document
    return {
        "id": row.webhook_id,
        "type": document["type"],
        "position": str(row.position) if row.position else None,
        "submission": str(row.submission_id) if row.submission_id else None,
        "status": document["data"].get("status"),
        "state": row.state,
        "attempts": row.attempts,
        "nextAttemptAt": moment(row.due_at),
        "lastAttemptAt": moment(row.tried_at),
        "statusCode": row.status_code,
        "error": row.error or None,
        "createdAt": moment(row.created_at),
        "endedAt": moment(row.ended_at),
    }
