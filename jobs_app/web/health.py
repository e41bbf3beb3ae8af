"""For load balancers and containers: does the process live, and could it serve."""

from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse

_MAY_WRITE = "SELECT has_function_privilege('audit.record(text[])', 'EXECUTE')"


def healthz(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok\n", content_type="text/plain")


def readyz(request: HttpRequest) -> JsonResponse:
    """200 when the database answers and the trail can be written, else 503 with the reasons."""
    reasons = []
    try:
        with connection.cursor() as cursor:
            cursor.execute(_MAY_WRITE)
            if cursor.fetchone() != (True,):
                reasons.append("The audit trail can't be written: the application's role lacks the right.")
    except DatabaseError:
        reasons.append("The database can't be reached, or isn't migrated.")
    return JsonResponse({"ready": not reasons, "reasons": reasons}, status=503 if reasons else 200)
