"""The policy's form for tests, and a way to put other rules in force."""

from typing import Any

from jobs_app import policies, policymaking
from jobs_app.models import User
from jobs_app.rulebook import SPACE
from tests.doors import operator_actor


def form(**rules: Any) -> dict[str, Any]:
    """The form as it shows what is in force, with these fields changed."""
    now = policies.current().rules
    shown = {name: "" if value is None else value for name, value in now.items()}
    spaces = "\n".join(f"{name.removeprefix(SPACE)} {n}" for name, n in now.items() if name.startswith(SPACE))
    given = shown | {"spaces": spaces} | rules
    return {name: "" if value is False else value for name, value in given.items()}


def ruled(by: User, **rules: Any) -> None:
    """Puts these rules in force, as an administrator does in the set-up phase."""
    policymaking.change(form(**rules), version=policies.current().version, reason="a test", by=operator_actor(by))
