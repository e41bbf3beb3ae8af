"""What the OpenAPI description says of each call: what it takes, what it gives, and which errors have a meaning."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema

from .. import listing
from ..audit.qualifiers import FILTERS
from .schemas import SCHEMAS, Schema, listed, ref

JSON, PROBLEM = "application/json", "application/problem+json"
_ANYWHERE = (400, 401, 403)
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
    errors: Sequence[int] = (),
    parameters: Sequence[OpenApiParameter] = (),
    examples: Sequence[OpenApiExample] = (),
    name: str | None = None,
) -> Callable[[View], View]:
    """Describes a method of a view; ``gives`` and ``takes`` name components, ``errors`` those that have a meaning."""
    answers = {200: gives} if isinstance(gives, str) else gives
    bodies = {JSON: takes} if isinstance(takes, str) else takes or {}
    responses: dict[Any, Schema | None] = {
        (str(status), media): listed(name) if is_list else ref(name) for status, name in answers.items() if name
    }
    responses |= {str(status): None for status, name in answers.items() if not name}
    responses |= {(str(status), PROBLEM): ref("Problem") for status in (*_ANYWHERE, *errors)}
    responses[("default", PROBLEM)] = ref("Problem")
    return extend_schema(
        operation_id=name,
        summary=summary,
        request={kind: ref(name) for kind, name in bodies.items()} or None,
        responses=responses,
        parameters=list(parameters),
        examples=list(examples),
    )


def text(name: str, description: str, **schema: Any) -> OpenApiParameter:
    return OpenApiParameter(name, {"type": "string", **schema}, description=description)


def qualifiers() -> list[OpenApiParameter]:
    """The qualifiers of the trail's search, as parameters."""
    return [text(name, "As in the search of the audit page.") for name in FILTERS]


def add_components(result: dict[str, Any], **kwargs: object) -> dict[str, Any]:
    """A hook of drf-spectacular: the shapes that the calls refer to."""
    result["components"].setdefault("schemas", {}).update(SCHEMAS)
    return result


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
