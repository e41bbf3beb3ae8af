"""Every text has its translation, and the compiled catalogue is what is written; ``make messages`` mends both."""

import gettext
import re
from collections.abc import Iterator
from io import BytesIO

import pytest
from babel.messages.catalog import Message

from jobs_app import sentences
from tests import messages

MEND = "run `make messages`, and translate in locale/ what it asks for"


def texts(of: Message, which: str) -> list[str]:
    said = getattr(of, which)
    return list(said) if isinstance(said, tuple) else [said]


def written() -> Iterator[Message]:
    return (each for each in messages.translations() if each.id)


def keys(of: object) -> set[tuple[object, object]]:
    return {(each.id, each.context) for each in of if each.id}  # type: ignore[attr-defined]


def test_every_text_of_the_code_and_the_templates_is_in_the_catalogue() -> None:
    wanted, found = keys(messages.template()), keys(messages.translations())
    assert (wanted - found, found - wanted) == (set(), set()), MEND


def test_the_sentences_that_are_filled_in_are_known() -> None:
    assert messages.SENTENCES.read_text() == messages.in_code(messages.sentences()), MEND
    assert sentences.SENTENCES


def test_every_text_is_translated_and_none_only_perhaps() -> None:
    assert [each.id for each in written() if not messages.is_done(each) or each.fuzzy] == [], MEND


def test_a_text_that_counts_stands_nowhere_without_a_number() -> None:
    """The catalogue knows both by the same key, so who has nothing to fill in would get the one that counts."""
    found = list(messages.texts())
    counting = {text[0] for text, _place, _context in found if isinstance(text, tuple)}
    assert [(text, place) for text, place, _context in found if text in counting] == []


PLACES = re.compile(r"%(?:\(\w+\))?[sd]|\{\w+\}|</?\w+>|^\n|\n$")


def test_a_translation_has_the_same_places_to_fill_in() -> None:
    """The same names, in braces or behind per cent signs, and the same tags; a plural stands for its other forms."""
    wrong = []
    for each in written():
        wanted = sorted(set(PLACES.findall(texts(each, "id")[-1])))
        wrong += [each.id for said in texts(each, "string") if sorted(set(PLACES.findall(said))) != wanted]
    assert wrong == []


def test_the_compiled_catalogue_is_the_written_one() -> None:
    kept = gettext.GNUTranslations(messages.MO.open("rb"))
    fresh = gettext.GNUTranslations(BytesIO(messages.compiled(messages.translations())))
    assert vars(kept)["_catalog"] == vars(fresh)["_catalog"], MEND


def test_no_template_translates_what_goes_into_a_filter() -> None:
    """``translate`` with a filter translates what goes into it, not what comes out; ``|translated`` behind it does."""
    paths = messages.TEMPLATES.rglob("*.html")
    assert [path.name for path in paths if re.search(r"{%\s*translate [\w.]+\|", path.read_text())] == []


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ('raise WrongState("Load it again.")', ["Load it again."]),
        ('Problem("/a", "code", f"Give at most {most} of {len(them)}.")', ["Give at most {most} of {them}."]),
        ('f"{row.at:%H:%M} is {row.at}, and {other.at} is later."', ["{row_at} is {row_at}, and {other_at} is later."]),
        ('_(f"waits for {words}")', ["waits for {words}"]),
        ('log.info("another worker was faster")', []),
        ('"SELECT a FROM b WHERE c."', []),
        ('"""What this module is for."""', []),
        ('why = "Repeat it {2,5} times."', ["Repeat it {{2,5}} times."]),
    ],
)
def test_what_is_a_sentence(code: str, found: list[str]) -> None:
    assert messages.sentences_in(code) == found
