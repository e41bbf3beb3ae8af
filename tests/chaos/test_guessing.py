"""Ten thousand wrong passwords from as many addresses, each at the door itself."""

import pytest

from jobs_app.models import User
from tests.chaos.conftest import scaled
from tests.integration.test_guessing import guess_from_everywhere

pytestmark = pytest.mark.usefixtures("database")


@pytest.mark.timeout(1200)
def test_ten_thousand_guesses_lock_nobody_out_and_fill_nothing(operator: User, monkeypatch: pytest.MonkeyPatch) -> None:
    guess_from_everywhere(scaled(10_000), operator, monkeypatch)
