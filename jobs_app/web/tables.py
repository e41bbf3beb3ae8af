"""Tables to load down."""

import codecs
from collections.abc import Iterable

from django.http import StreamingHttpResponse


def answer(lines: Iterable[str], name: str) -> StreamingHttpResponse:
    """The lines as a CSV file of this name, with a byte order mark, by which spreadsheets know that it is UTF-8."""
    content = (part for parts in ([codecs.BOM_UTF8], map(str.encode, lines)) for part in parts)
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingHttpResponse(content, content_type="text/csv; charset=utf-8", headers=headers)
