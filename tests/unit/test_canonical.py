"""The canonical form is that of RFC 8785, whichever way it is made."""

import hashlib

import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from jobs_app import canonical

_SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**53) + 1, 2**53 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(st.characters(exclude_categories=["Cs"])),
)
_DOCUMENTS = st.dictionaries(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=5),
    st.recursive(_SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text("aé￿😀", max_size=3), inner)),
)


@given(_DOCUMENTS)
def test_it_is_the_same_as_the_reference(document: dict[str, object]) -> None:
    assert canonical.sha256(document) == hashlib.sha256(rfc8785.dumps(document)).hexdigest()
