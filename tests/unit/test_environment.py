"""``.env.example`` lists exactly what the settings read, with the defaults that they have."""

import ast
from pathlib import Path

ROOT = Path(__file__).parents[2]
READERS = {
    "text",
    "secret",
    "integer",
    "number",
    "rate",
    "choice",
    "items",
    "raw",
    "receivers",
    "roles",
    "_required",
    "_database",
}


def calls() -> list[tuple[list[str], list[ast.expr]]]:
    """The variables that each reading call of the settings names, and its arguments."""
    found = []
    for node in ast.walk(ast.parse((ROOT / "portal" / "settings.py").read_text())):
        name = getattr(getattr(node, "func", None), "attr", getattr(getattr(node, "func", None), "id", ""))
        if isinstance(node, ast.Call) and name in READERS:
            texts = [each.value for each in node.args if isinstance(each, ast.Constant) and isinstance(each.value, str)]
            found.append(([text for text in texts if text.isupper()], node.args))
    return found


def listed() -> dict[str, str]:
    lines = [line for line in (ROOT / ".env.example").read_text().splitlines() if line and not line.startswith("#")]
    pairs = [line.split("=", 1) for line in lines]
    assert len(dict(pairs)) == len(pairs)
    return {name: value.strip('"') for name, value in pairs}


def test_the_example_lists_what_is_read_and_nothing_else() -> None:
    assert set(listed()) == {name for names, _ in calls() for name in names}


def test_the_example_shows_the_defaults() -> None:
    shown = listed()
    defaults = [(names, arguments[-1]) for names, arguments in calls() if len(names) == 1 < len(arguments)]
    values = [(name, node.value) for [name], node in defaults if isinstance(node, ast.Constant)]
    constants = [(name, value) for name, value in values if value != name]
    assert len(constants) > 10
    assert {name: shown[name] for name, _ in constants} == {name: str(value) for name, value in constants}


def test_the_environment_is_read_in_one_place() -> None:
    readers = [
        path.relative_to(ROOT)
        for folder in ("portal", "jobs_app")
        for path in (ROOT / folder).rglob("*.py")
        if "os.environ" in path.read_text() or "getenv" in path.read_text()
    ]
    allowed = {"portal/env.py", "portal/celery.py", "portal/wsgi.py", "portal/embedded.py"}
    assert {str(path) for path in readers} <= allowed | {"jobs_app/management/commands/stack.py"}
