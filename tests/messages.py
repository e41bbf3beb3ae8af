"""Which texts there are to translate, and the catalogues made of them: what ``make messages`` runs.

Babel reads the code and what Django makes of the templates, so nobody needs the programs of GNU gettext.
"""

import ast
import re
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from http import HTTPStatus
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.utils.translation.template import templatize

from jobs_app.actors import Channel, Role
from jobs_app.audit.qualifiers import OUTCOMES
from jobs_app.models import Approval, Submission

ROOT = Path(__file__).resolve().parent.parent
CODE, TEMPLATES = ROOT / "jobs_app", ROOT / "templates"
SENTENCES = CODE / "sentences.py"
LOCALE = "zh_Hans"
PO = ROOT / "locale/zh_Hans/LC_MESSAGES/django.po"
MO = PO.with_suffix(".mo")
# What no page and no mail shows: other people's doors, programs of their own, the operator's terminal.
ELSEWHERE = (
    *("admin.py", "api", "checks.py", "database.py", "demo.py", "encryption.py", "inserting.py", "management"),
    *("migrations", "models", "packs", "rekeying.py", "sentences.py", "koodrive/sandbox", "audit/export.py"),
    "audit/keys.py",
)
ERRORS = [HTTPStatus(each) for each in (400, 403, 404, 405, 409, 410, 429, 500, 503)]
SINGULAR, PLURAL = {"_", "gettext", "gettext_lazy", "gettext_noop"}, {"ngettext", "ngettext_lazy"}
_OF_TEMPLATES = {"_": None, "gettext": None, "ngettext": (1, 2), "pgettext": ((1, "c"), 2)}
# Names of the code that pages show to people as words.
CODES = (*Role, *Channel, *Submission.Source, *OUTCOMES, *Approval.Decision, *(each.phrase for each in ERRORS))
_SENTENCE = re.compile(r"[“\"A-Z{](?=.* [\w{]).*[.:?!]\s*", re.DOTALL)
_QUERY = re.compile(r"[A-Z_ ]*\b(SELECT|INSERT|UPDATE|DELETE|WITH|COPY|GRANT|REVOKE|SET|CASE)\b")
_HEAD = '''"""The sentences of the code that are filled in, what is with a name in braces; made by ``make messages``."""

SENTENCES = (
'''


# --- The code --------------------------------------------------------------------------------------------------------
def sentences() -> list[str]:
    """The sentences of the code: texts that begin and end as one, the errors' docstrings, and what is marked."""
    found: dict[str, None] = {}
    for path in sorted(CODE.rglob("*.py")):
        name = path.relative_to(CODE).as_posix()
        if not name.startswith(ELSEWHERE):
            found |= dict.fromkeys(sentences_in(path.read_text(), is_errors=name == "errors.py"))
    return sorted(found)


def sentences_in(code: str, *, is_errors: bool = False) -> list[str]:
    return list(_sentences_in(ast.parse(code), is_errors=is_errors))


def _sentences_in(tree: ast.Module, *, is_errors: bool) -> Iterator[str]:
    skipped: set[ast.AST] = set()
    marked: set[ast.AST] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and (said := ast.get_docstring(node)):
            skipped.add(node.body[0].value)  # type: ignore[attr-defined]
            if is_errors and isinstance(node, ast.ClassDef) and _is_error(node):
                yield said.replace("{", "{{").replace("}", "}}")
        if isinstance(node, ast.Call) and _name(node.func) in SINGULAR | PLURAL:
            marked.update(node.args)
        if isinstance(node, ast.JoinedStr):
            skipped.update(part for part in ast.walk(node) if isinstance(part, ast.Constant))
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr | ast.Constant) and node not in skipped and (text := _template(node)):
            if node in marked and "{" in text:
                yield text
            elif node not in marked and _is_sentence(text):
                yield text.rstrip(" ")


def _is_sentence(text: str) -> bool:
    says_something = re.search("[a-z]{2}", re.sub(r"{\w+}", "", text))
    return bool(says_something and _SENTENCE.fullmatch(text) and not _QUERY.match(text))


def _is_error(node: ast.ClassDef) -> bool:
    return bool(node.bases) or node.name == "PortalError"


def _name(function: ast.expr) -> str:
    return function.id if isinstance(function, ast.Name) else ""


def _template(node: ast.JoinedStr | ast.Constant) -> str:
    """The text with a name in braces for each part that is filled in; the same part has the same name.

    Two parts with nothing between them can't be told apart, so they are one.
    """
    if isinstance(node, ast.Constant):
        return node.value.replace("{", "{{").replace("}", "}}") if isinstance(node.value, str) else ""
    text, names, is_place = "", dict[str, str](), False
    for part in node.values:
        if isinstance(part, ast.Constant):
            text += str(part.value).replace("{", "{{").replace("}", "}}")
        elif isinstance(part, ast.FormattedValue):
            said = ast.unparse(part.value)
            if said not in names:
                words = [word for word in re.findall(r"[A-Za-z]\w*", said) if word not in _NO_NAMES]
                name = "_".join(words[-2:]) or "value"
                taken = [each for each in names.values() if re.fullmatch(rf"{name}\d*", each)]
                names[said] = f"{name}{len(taken) + 1}" if taken else name
            text += "" if is_place else f"{{{names[said]}}}"
        is_place = isinstance(part, ast.FormattedValue)
    return text


_NO_NAMES = {
    "self",
    "settings",
    "str",
    "len",
    "if",
    "else",
    "or",
    "and",
    "not",
    "for",
    "in",
    "join",
    "map",
    "is",
    "None",
}


# --- The catalogue ---------------------------------------------------------------------------------------------------
def template() -> Catalog:
    """Everything that there is to translate, with no translation."""
    catalogue = Catalog(locale=LOCALE)
    for message, place, context in texts():
        catalogue.add(message, locations=[(place, 0)], context=context)
    return catalogue


def texts() -> Iterator[tuple[str | tuple[str, ...], str, str | None]]:
    """Each text as often as it stands somewhere, with the file; one that counts is a pair."""
    for text in sentences():
        yield text, "jobs_app/sentences.py", None
    for code in CODES:
        yield str(code), "tests/messages.py", None
    for path in sorted(CODE.rglob("*.py")):
        for message in _marked_in(ast.parse(path.read_text())):
            yield message, path.relative_to(ROOT).as_posix(), None
    for path in sorted(TEMPLATES.rglob("*.html")):
        code = templatize(path.read_text(), origin=str(path))
        lines = "\n".join(line.strip() for line in code.splitlines())
        for _, message, _, context in extract("python", BytesIO(lines.encode()), _OF_TEMPLATES):
            yield message, path.relative_to(ROOT).as_posix(), context


def _marked_in(tree: ast.Module) -> Iterator[str | tuple[str, ...]]:
    """What is given to gettext as it stands."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and (name := _name(node.func)) in SINGULAR | PLURAL:
            texts = [each.value for each in node.args if isinstance(each, ast.Constant) and isinstance(each.value, str)]
            if texts:
                yield texts[0] if name in SINGULAR else (texts[0], texts[1])


def translations() -> Catalog:
    """The catalogue as translators left it."""
    with PO.open("rb") as file:
        return read_po(file, locale=LOCALE)


def compiled(catalogue: Catalog) -> bytes:
    """The same catalogue gives the same bytes."""
    out, catalogue.creation_date = BytesIO(), datetime(2026, 1, 1, tzinfo=UTC)
    write_mo(out, catalogue)
    return out.getvalue()


def in_code(texts: list[str]) -> str:
    """``sentences.py`` with those of these sentences that are filled in."""
    return _HEAD + "".join(f"    {_quoted(text)},\n" for text in texts if "{" in text) + ")\n"


def _quoted(text: str) -> str:
    """As ruff formats it."""
    said, quote = repr(text), '"' if '"' not in text else "'"
    return said if said[0] == quote else f"{quote}{said[1:-1]}{quote}"


_HEADER = """# The portal in Simplified Chinese; docs/translating.md says how it is made.
msgid ""
msgstr ""
"Language: zh_Hans\\n"
"Plural-Forms: nplurals=1; plural=0;\\n"
"Content-Type: text/plain; charset=utf-8\\n"

"""


def is_done(message: Message) -> bool:
    """Whether it has a translation, in every form."""
    return all(message.string) if isinstance(message.string, tuple) else bool(message.string)


def make() -> None:
    """Writes what ``sentences.py`` and the catalogues should hold; exits with 1 while a text has no translation."""
    SENTENCES.write_text(in_code(sentences()))
    catalogue = translations() if PO.exists() else Catalog(locale=LOCALE)
    catalogue.update(template(), no_fuzzy_matching=True)
    catalogue.obsolete.clear()
    PO.parent.mkdir(parents=True, exist_ok=True)
    with PO.open("wb") as file:
        file.write(_HEADER.encode())
        write_po(file, catalogue, width=120, include_lineno=False, sort_output=True, omit_header=True)
    MO.write_bytes(compiled(catalogue))
    if waiting := sum(not is_done(each) for each in catalogue if each.id):
        sys.exit(f"Texts without a translation: {waiting}; write it into {PO.relative_to(ROOT)}, and run this again.")
