"""Makes the cover sheets of an archive: one page for print in each language, each complete in itself."""

import zipfile
from collections.abc import Iterator
from typing import Any

from django.template.loader import render_to_string

from ..audit.copying import Progress
from ..audit.search import Query
from . import proof
from .phrases import LANGUAGES
from .reading import Archive
from .story import Story
from .summary import Summary
from .telling import Teller


def sheets(archive: zipfile.ZipFile, progress: Progress) -> Iterator[tuple[str, str]]:
    """The sheets by their names in the archive, which must hold its events, names and manifest already."""
    found = Archive(archive, progress)
    of_one = Query.read(found.manifest["selection"]).single_submission
    tale = Story() if of_one else Summary()
    proved = proof.Proof(found.manifest)
    for event in found.events():
        tale.add(event)
        proved.add(event)
    names = found.names(tale.actors)
    for language in LANGUAGES:
        say = Teller(language, names)
        sections = [*tale.sections(say), *proved.sections(say, found.events_sha256)]
        title = say("title_submission", id=of_one) if of_one else say("title")
        context = {"title": title, "intro": _intro(say, found.manifest), "sections": sections, "lang": say("lang")}
        yield f"cover-{language}.html", render_to_string("evidence/cover.html", context)


def _intro(say: Teller, manifest: dict[str, Any]) -> list[str]:
    known = {name: manifest[name] for name in ("portal", "environment", "instance")}
    chosen = say("selection", line=manifest["selection"]) if manifest["selection"] else say("whole")
    demo = [say("demo")] if manifest["environment"] == "demo" else []
    return [say("made", at=manifest["madeAt"], **known), chosen, *demo, say("sources"), say("recorded")]
