"""The API tried with what its own description allows and forbids, by every kind of caller: schemathesis."""

from typing import Any

import schemathesis
from django.test import Client
from drf_spectacular.generators import SchemaGenerator
from hypothesis import HealthCheck, settings
from schemathesis.generation.stateful import APIStateMachine
from schemathesis.specs.openapi.checks import ensure_resource_availability, ignored_auth, positive_data_acceptance

from jobs_app import submissions
from jobs_app.actors import Role, Scope
from tests.conftest import make_person, token_of
from tests.doors import operator_actor
from tests.examples import body

OWN = "a service"  # reads and submits, its own alone
CALLERS = ["nobody", *Role, *Scope, OWN]
# Who sees nothing of other people's submissions; an auditor's token reads their events.
BLIND = {"nobody", Scope.READ, Scope.WRITE, OWN}
# Stands in what somebody else has submitted, and nowhere else.
HIDDEN = "canary-of-somebody-else"
# What the description allows may contradict itself, or another call with the same key. A token that may only submit
# doesn't see what it made.
UNPROMISED = [positive_data_acceptance, ensure_resource_availability]
# The caller's own header stands in the place of the one that this check makes up; nobody is a caller too.
_OF_NOBODY = [ignored_auth]
_SCOPES: dict[str, tuple[Scope, ...]] = {scope: (scope,) for scope in Scope} | {OWN: (Scope.READ, Scope.WRITE)}
_CSRF = "c" * 32

schema = schemathesis.openapi.from_dict(SchemaGenerator().get_schema(request=None, public=True))


def hide_something() -> None:
    """Somebody submits what the blind must not see."""
    submissions.submit(body("copy", reason=HIDDEN), by=operator_actor(make_person("somebody", Role.OPERATOR)))


def headers_of(caller: str) -> dict[str, str]:
    """What a new caller of this kind calls with."""
    if caller in _SCOPES:
        return {"Authorization": f"Bearer {token_of(caller, *_SCOPES[caller])}"}
    if caller == "nobody":
        return {}
    client = Client()
    client.force_login(make_person(f"an-{caller}", Role(caller)))
    return {"Cookie": f"session={client.cookies['session'].value}; csrf={_CSRF}", "X-CSRFToken": _CSRF}


def assert_hides(text: str, caller: str) -> None:
    assert caller not in BLIND or HIDDEN not in text


def impatient(case: Any) -> Any:
    """The same call, without the seconds that it would wait for something to happen."""
    if isinstance(case.query, dict):
        case.query.pop("wait", None)
    return case


def walk(address: str, caller: str, *, examples: int, steps: int) -> None:
    """So many ways of so many calls each, from what one answered to what may be called next."""
    hide_something()
    headers = headers_of(caller)
    # The token would end while it walks.
    machine = schema.exclude(path="/api/v1/me/rotate-token/").as_state_machine()

    class Walk(machine):  # type: ignore[misc, valid-type]
        def get_call_kwargs(self, case: Any) -> dict[str, Any]:
            impatient(case)
            return {"base_url": address, "headers": headers, "timeout": 60}

        def validate_response(self, response: Any, case: Any, *args: Any, **kwargs: Any) -> None:
            case.validate_response(response, excluded_checks=UNPROMISED + _OF_NOBODY, transport_kwargs=kwargs)
            assert_hides(response.text, caller)

    _run(Walk, examples, steps)


def _run(machine: type[APIStateMachine], examples: int, steps: int) -> None:
    machine.run(
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
    )
