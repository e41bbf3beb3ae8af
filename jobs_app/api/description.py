"""What the OpenAPI description says of each call: what it takes, what it gives, and which errors have a meaning.

A reading call is held to it: a parameter that its description doesn't name is refused.
"""

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.permissions import SAFE_METHODS

from .. import listing
from ..audit.qualifiers import FILTERS
from ..documents import escape
from ..errors import Invalid, PortalError, Problem
from . import deprecations
from .components import JSON, PROBLEMS
from .schemas import Schema, listed, ref

View = TypeVar("View", bound=Callable[..., Any])

CURSOR = OpenApiParameter("cursor", str, description="As an answer of this list gave it.")
LIMIT = OpenApiParameter(
    "limit", {"type": "integer", "minimum": 1, "maximum": listing.LONGEST_PAGE}, description="Rows of a page."
)
KEY = OpenApiParameter(
    "Idempotency-Key",
    {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
    OpenApiParameter.HEADER,
    description="The same key and body again give what the first call made, for at least seven days.",
)


def described(
    summary: str,
    *,
    gives: str | Mapping[int, str],
    takes: str | Mapping[str, str] | None = None,
    media: str = JSON,
    is_list: bool = False,
    errors: Sequence[type[PortalError]] = (),
    parameters: Sequence[OpenApiParameter] = (),
    name: str | None = None,
) -> Callable[[View], View]:
    """Describes a method of a view; ``gives`` and ``takes`` name components.

    ``errors`` are those that this call may answer with besides the ones that any call may (``components.ANYWHERE``).
    """
    answers = {200: gives} if isinstance(gives, str) else gives
    bodies = {JSON: takes} if isinstance(takes, str) else takes or {}
    responses: dict[Any, Schema | None] = {
        (str(status), media): listed(name) if is_list else ref(name) for status, name in answers.items() if name
    }
    responses |= {str(status): None for status, name in answers.items() if not name}
    describe = extend_schema(
        operation_id=name,
        summary=summary,
        request={kind: ref(name) for kind, name in bodies.items()} or None,
        responses=responses,
        parameters=list(parameters),
        extensions={PROBLEMS: errors},
    )
    known = {each.name for each in parameters if each.location == OpenApiParameter.QUERY}
    return lambda view: describe(_held_to(known, view))


def _held_to(known: set[str], view: View) -> View:
    """A reading call refuses parameters that it doesn't know: a misspelt filter would show what nobody asked for."""

    @functools.wraps(view)
    def handle(self: Any, request: Any, *args: Any, **kwargs: Any) -> Any:
        if announced := deprecations.of(request.method, request.resolver_match.route):
            self.headers |= announced.headers
        unknown = sorted(request.query_params.keys() - known) if request.method in SAFE_METHODS else []
        if unknown:
            detail = f"Leave it out; known here: {', '.join(sorted(known)) or 'none'}."
            raise Invalid([Problem(escape(name), "unknown_field", detail) for name in unknown])
        return view(self, request, *args, **kwargs)

    return handle  # type: ignore[return-value]


def text(name: str, description: str, **schema: Any) -> OpenApiParameter:
    return OpenApiParameter(name, {"type": "string", **schema}, description=description)


def qualifiers() -> list[OpenApiParameter]:
    """The qualifiers of the trail's search, as parameters."""
    return [text(name, "As in the search of the audit page.") for name in FILTERS]


class _Token(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "jobs_app.api.authentication.ServiceTokenAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "description": "A service's token, kdp_…"}


class _Session(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "jobs_app.api.authentication.PersonSessionAuthentication"
    name = "session"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        description = "A signed-in person's session; writing calls need Django's CSRF cookie and X-CSRFToken."
        return {"type": "apiKey", "in": "cookie", "name": "session", "description": description}
