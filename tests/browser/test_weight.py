"""How much a browser loads the first time it comes here."""

import gzip
from typing import Any

import pytest

MOST = 250_000  # bytes
LOADED = """() => [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")]
    .map((each) => each.name)"""


@pytest.mark.parametrize("name", ["operator", "auditor"])
def test_the_first_page_is_light(watch: Any, name: str) -> None:
    """Compressed as a production serves it: a demo serves the files as they lie in the repository."""
    page = watch().sign_in(name)
    page.wait_for_load_state("networkidle")
    loaded = page.evaluate(LOADED)
    sizes = {address: len(gzip.compress(page.request.get(address).body())) for address in loaded}
    assert len(sizes) > 5, sizes
    assert sum(sizes.values()) <= MOST, sizes
