"""What all calls of the OpenAPI description share, written once and referred to: shapes, examples, errors, links.

``complete`` is the last hook of drf-spectacular: it goes through the description call by call.
"""

from collections.abc import Iterator, Sequence
from http import HTTPStatus
from typing import Any

from ..errors import (
    AuditUnavailable,
    Invalid,
    NotAllowed,
    PortalError,
    Problem,
    SecondFactorNeeded,
    TokenPaused,
    TokenStopped,
    TokenUnknown,
    TokenUsedElsewhere,
    TooManyCalls,
)
from . import deprecations, problems
from .answers import ANSWERS
from .examples import REQUESTS, Example
from .refusals import (
    BodyTooLarge,
    CsrfMissing,
    DatabaseAway,
    Malformed,
    MethodNotAllowed,
    NotAcceptable,
    NotAuthenticated,
    Unexpected,
    UnsupportedMediaType,
    status_of,
)
from .schemas import SCHEMAS, Schema, ref

JSON, PROBLEM = "application/json", problems.CONTENT_TYPE
PROBLEMS = "x-problems"  # where a call's own errors stand until ``complete`` has written them out

Kind = type[PortalError]

# What any call may answer, whatever it does.
ANYWHERE: tuple[Kind, ...] = (
    *(Invalid, NotAuthenticated, TokenUnknown, TokenUsedElsewhere, TokenPaused, TokenStopped, NotAllowed),
    SecondFactorNeeded,
    *(MethodNotAllowed, NotAcceptable, TooManyCalls, Unexpected, AuditUnavailable, DatabaseAway),
)
_WRITING: tuple[Kind, ...] = (CsrfMissing,)
_WITH_A_BODY: tuple[Kind, ...] = (Malformed, BodyTooLarge, UnsupportedMediaType)


def complete(result: dict[str, Any], **kwargs: object) -> dict[str, Any]:
    """Adds the components, and to each call its errors, its examples and where its answer leads."""
    components = result["components"]
    components.setdefault("schemas", {}).update(SCHEMAS)
    components["examples"], components["responses"] = {}, {}
    for path, method, call in _calls(result):
        components["examples"] |= dict(_exemplify(call))
        errors = _errors(method, call)
        components["examples"] |= {kind.__name__: {"value": _shown(kind)} for kind in errors}
        found = _responses(errors)
        components["responses"] |= dict(found.values())
        call["responses"] |= {status: {"$ref": f"#/components/responses/{name}"} for status, (name, _) in found.items()}
        if deprecations.of(method, path):
            call["deprecated"] = True
    for name in ("examples", "responses"):
        components[name] = dict(sorted(components[name].items()))
    _link(result)
    return result


def _calls(result: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, calls in result["paths"].items():
        for method, call in calls.items():
            yield path, method, call


# --- Errors ----------------------------------------------------------------------------------------------------------
def _errors(method: str, call: dict[str, Any]) -> list[Kind]:
    writing = _WRITING if method != "get" else ()
    body = _WITH_A_BODY if "requestBody" in call else ()
    return [*ANYWHERE, *writing, *body, *call.pop(PROBLEMS, ())]


def _shown(kind: Kind) -> dict[str, Any]:
    """The problem as a call that gets it sees it."""
    if kind is Invalid:
        error: PortalError = Invalid([Problem("/taskInfo/srcContainerId", "required", "Give srcContainerId.")])
    else:
        error = TooManyCalls(1) if kind is TooManyCalls else kind()
    return problems.document(error, "/api/v1/submissions/", "6f1ed002ab5595859014ebf0951522d9")


def _responses(errors: Sequence[Kind]) -> dict[str, tuple[str, Schema]]:
    """By status, the answer and its name, which says what it tells beyond what any call may answer."""
    by_status: dict[HTTPStatus, list[Kind]] = {}
    for kind in errors:
        by_status.setdefault(status_of(kind), []).append(kind)
    return {
        str(status.value): (
            ".".join([str(status.value), *(kind.__name__ for kind in kinds if kind not in ANYWHERE)]),
            _response(status, kinds),
        )
        for status, kinds in sorted(by_status.items())
    }


def _response(status: HTTPStatus, kinds: Sequence[Kind]) -> Schema:
    codes = ", ".join(dict.fromkeys(f"`{kind.code}`" for kind in kinds))
    later = status in problems.LATER or any(kind in problems.REPEATABLE for kind in kinds)
    described: Schema = {"description": f"{status.phrase}: {codes}."}
    described["content"] = {PROBLEM: {"schema": ref("Problem"), "examples": _named(kind.__name__ for kind in kinds)}}
    seconds = {"description": "Seconds to wait.", "schema": {"type": "integer", "minimum": 1}}
    return described | ({"headers": {"Retry-After": seconds}} if later else {})


# --- Examples --------------------------------------------------------------------------------------------------------
def _named(names: Any) -> dict[str, Schema]:
    return {name: {"$ref": f"#/components/examples/{name}"} for name in names}


def _exemplify(call: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Names the examples of what the call takes and gives; each of them, to be kept among the components."""
    for content in call.get("requestBody", {}).get("content", {}).values():
        yield from _add(content, REQUESTS[_component(content["schema"])])
    for status, answer in call["responses"].items():
        for content in answer.get("content", {}).values():
            if status.startswith("2"):
                yield from _add(content, _answers(content["schema"]))


def _add(content: dict[str, Any], examples: Sequence[Example]) -> Iterator[tuple[str, Any]]:
    content["examples"] = _named(each.name for each in examples)
    for each in examples:
        yield each.name, each.shown


def _answers(schema: Schema) -> list[Example]:
    name = _component(schema)
    if name:
        return [Example(name, ANSWERS[name])]
    name = _component(schema["properties"]["results"]["items"])
    return [Example(f"{name}List", {"next": None, "previous": None, "results": [ANSWERS[name]]})]


def _component(schema: Schema) -> str:
    return str(schema.get("$ref", "")).rpartition("/")[2]


# --- Links -----------------------------------------------------------------------------------------------------------
# Where the id of a thing stands in an answer, by the answer's component, and the addresses that take it.
_IDS = {
    "Submission": ("/id", "/api/v1/submissions/{id}/"),
    "BatchMade": ("/batch", "/api/v1/batches/{id}/"),
    "Batch": ("/id", "/api/v1/batches/{id}/"),
}
# What is decided about is named by its hash.
_DECISION = {"requestBody": {"requestSha256": "$response.body#/requestSha256"}}


def _link(result: dict[str, Any]) -> None:
    """What may be called next with the id in an answer."""
    links = result["components"].setdefault("links", {})
    for _, _, call in _calls(result):
        for status in ("200", "201"):
            answer = call["responses"].get(status, {})
            name = _component(answer.get("content", {}).get(JSON, {}).get("schema", {}))
            if name in _IDS:
                links |= (found := _links(result, name))
                answer["links"] = {each: {"$ref": f"#/components/links/{each}"} for each in found}


def _links(result: dict[str, Any], name: str) -> dict[str, Schema]:
    pointer, address = _IDS[name]
    return {
        f"{name}.{call['operationId']}": {
            "operationId": call["operationId"],
            "parameters": {"id": f"$response.body#{pointer}"},
            **(_DECISION if _takes(call) == "Decision" and name != "BatchMade" else {}),
        }
        for path, _, call in _calls(result)
        if path.startswith(address)
    }


def _takes(call: dict[str, Any]) -> str:
    return _component(call.get("requestBody", {}).get("content", {}).get(JSON, {}).get("schema", {}))
