"""A text of the portal in the language of a page or mail.

Inside, a text is English: in errors, in the database, in the trail, over REST, in the log. Only where a page or a mail
shows it, ``translated`` finds its translation: by the text itself, or by the form of a sentence that was filled in.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from string import Formatter
from typing import NamedTuple

from django.conf import settings
from django.utils.translation import get_language, gettext

from . import sentences

_LONGEST = 4000  # of a text that is looked at
_MOST_SENTENCES = 12  # in one text
_ENDS = re.compile(r"(?<=[.:?!]) ")
# Of Chinese; no blank stands behind them.
_FULL = ("。", "\N{FULLWIDTH COLON}", "\N{FULLWIDTH QUESTION MARK}", "\N{FULLWIDTH EXCLAMATION MARK}")


class _Part(NamedTuple):
    literal: str
    name: str | None


@dataclass(frozen=True)
class Form:
    """A sentence with places that are filled in, as ``str.format`` has them."""

    template: str
    literals: tuple[str, ...]
    pattern: re.Pattern[str]

    @classmethod
    def of(cls, template: str) -> "Form":
        parts = [_Part(literal, name) for literal, name, _, _ in Formatter().parse(template)]
        # What says next to nothing, such as "{n} days", is filled in with single words.
        says_much = parts[0].literal or len(re.findall(r"\w+", " ".join(part.literal for part in parts))) > 1
        anything, seen, pattern = ".*?" if says_much else r"\S*?", set[str](), ""
        for literal, name in parts:
            pattern += re.escape(literal)
            if name is not None:
                pattern += f"(?P={name})" if name in seen else f"(?P<{name}>{anything})"
                seen.add(name)
        return cls(template, tuple(part.literal for part in parts if part.literal), re.compile(pattern, re.DOTALL))

    def values(self, text: str) -> Mapping[str, str] | None:
        """What was filled in to make ``text``; None when it isn't of this form."""
        if not all(literal in text for literal in self.literals):
            return None
        found = self.pattern.fullmatch(text)
        return found.groupdict() if found else None


def translated(text: str) -> str:
    """``text`` in the language that is active; what is no text of the portal stays as it is."""
    language = get_language()
    if not text or language in (None, settings.LANGUAGE_CODE) or len(text) > _LONGEST:
        return text
    return _translated(language, text)


@lru_cache(maxsize=8192)
def _translated(language: str, text: str) -> str:
    """Of several sentences or lines each that is known, the longest that fit first."""
    if "\n" in text and _sentence(text) is None:
        return "\n".join(translated(line) for line in text.split("\n"))
    left, done = _ENDS.split(text, _MOST_SENTENCES), ""
    while left:
        for count in range(len(left), 0, -1):
            said = _sentence(" ".join(left[:count]))
            if said is not None:
                break
        else:
            count, said = 1, left[0]
        done += said if not done or done.endswith(_FULL) else f" {said}"
        left = left[count:]
    return done


def _sentence(text: str) -> str | None:
    said = gettext(text)
    if said != text:
        return said
    for form in _forms():
        values = form.values(text)
        if values is not None:
            return gettext(form.template).format(**{name: _value(name, value) for name, value in values.items()})
    return None


def _value(name: str, value: str) -> str:
    """What is filled in may be the portal's words again; a single word is one only where its name says so."""
    return translated(value) if " " in value or name.endswith(("label", "word")) else value


@cache
def _forms() -> tuple[Form, ...]:
    """What says most first, so that a sentence isn't taken for a shorter one with much filled in."""
    forms = [Form.of(each) for each in sentences.SENTENCES if "{" in each]
    return tuple(sorted(forms, key=lambda form: -sum(map(len, form.literals))))
