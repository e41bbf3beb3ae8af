"""Which role opens which address: one fixed table, in which every address of the portal has to stand."""

import pytest

from jobs_app.actors import Role
from tests.integration.test_every_page import visitor
from tests.walking import CALLS, PAGES, World, world

# o operator, p approver, u auditor, d administrator, s somebody without a role. Each letter is one role alone: nobody
# gets more by having several, because no page asks for two.
WHO = {"o": Role.OPERATOR, "p": Role.APPROVER, "u": Role.AUDITOR, "d": Role.ADMINISTRATOR, "s": "stranger"}
TABLE = {
    "opuds": """
        GET /
        GET /approvals/
        GET /notices/
        POST /notices/read/
        GET /submissions/rows/
        GET /submissions/new/review/
        GET /submissions/new/submit/
        GET /submissions/
        GET /unknowns/
        GET /api/v1/docs/
        GET /api/v1/me/
        GET /api/v1/schema/
    """,
    "opud": """
        GET /batches/<uuid:pk>/
        GET /batches/<uuid:pk>/live/
        POST /submissions/filters/keep/
        GET /submissions/tables/
        POST /submissions/tables/
        GET /submissions/tables/live/
        GET /health/
        GET /policy/
        GET /spaces/
        GET /spaces/<int:pk>/
        GET /spaces/table/
        GET /submissions/<uuid:pk>/
        GET /submissions/<uuid:pk>/entries/
        GET /submissions/<uuid:pk>/live/
        GET /api/v1/batches/<uuid:pk>/
        GET /api/v1/batches/<uuid:pk>/results.csv
        GET /api/v1/changes/
        GET /api/v1/operations/
        GET /api/v1/submissions/
        GET /api/v1/submissions/<uuid:pk>/
        GET /api/v1/submissions/<uuid:pk>/entries/
        GET /api/v1/submissions/<uuid:pk>/events/
        GET /api/v1/submissions/<uuid:pk>/evidence/
        GET /api/v1/submissions/<uuid:pk>/files/
    """,
    "o": """
        POST /batches/<uuid:pk>/cancel/
        POST /batches/<uuid:pk>/retry/
        POST /submissions/<uuid:pk>/cancel/
        POST /submissions/<uuid:pk>/download-link/
        POST /submissions/<uuid:pk>/retry/
        GET /submissions/new/
        POST /submissions/new/preview/
        POST /submissions/new/targets/
        POST /submissions/new/targets/bad-rows/
        GET /submissions/new/targets/template/
        POST /submissions/new/review/
        POST /submissions/new/submit/
        POST /unknowns/<uuid:pk>/look-again/
        POST /unknowns/<uuid:pk>/resolve/
        POST /api/v1/batches/<uuid:pk>/cancel/
        POST /api/v1/batches/<uuid:pk>/retry/
        POST /api/v1/submissions/
        POST /api/v1/submissions/<uuid:pk>/cancel/
        POST /api/v1/submissions/<uuid:pk>/download-link/
        POST /api/v1/submissions/<uuid:pk>/resolve/
        POST /api/v1/submissions/<uuid:pk>/retry/
        POST /api/v1/submissions/bulk/
        POST /api/v1/submissions/validate/
    """,
    "p": """
        POST /batches/<uuid:pk>/decide/
        POST /submissions/<uuid:pk>/decide/
        POST /api/v1/batches/<uuid:pk>/approve/
        POST /api/v1/batches/<uuid:pk>/reject/
        POST /api/v1/submissions/<uuid:pk>/approve/
        POST /api/v1/submissions/<uuid:pk>/reject/
    """,
    "u": """
        GET /audit/
        GET /audit/<int:seq>/
        POST /audit/verify/
        GET /exports/
        POST /exports/
        GET /exports/<uuid:pk>/download/
        GET /exports/estimate/
        GET /exports/live/
        GET /api/v1/audit-events/
    """,
    "d": """
        POST /callbacks/<int:pk>/<slug:verb>/
        GET /credentials/
        GET /set-up/
        POST /credentials/
        POST /health/resume/
        POST /people/<int:pk>/<slug:verb>/
        GET /people/new/
        POST /people/new/
        POST /policy/
        POST /policy/end-set-up/
        POST /proposals/<int:pk>/
        POST /spaces/<int:pk>/
        POST /spaces/<int:pk>/remove/
        POST /spaces/import/
        GET /spaces/new/
        POST /spaces/new/
        GET /tokens/
        GET /tokens/<int:pk>/
        POST /tokens/<int:pk>/change/
        POST /tokens/<int:pk>/pause/
        POST /tokens/<int:pk>/resume/
        POST /tokens/<int:pk>/revoke/
        POST /tokens/<int:pk>/rotate/
        GET /tokens/services/<int:pk>/
        POST /tokens/services/<int:pk>/
        GET /tokens/services/<int:pk>/new/
        POST /tokens/services/<int:pk>/new/
        GET /tokens/services/new/
        POST /tokens/services/new/
    """,
    "oud": """
        GET /audit/foreign/
    """,
    "ud": """
        GET /callbacks/
        GET /callbacks/<int:pk>/
        GET /people/
        GET /people/<int:pk>/
    """,
    "od": """
        POST /audit/foreign/note/
    """,
    "opd": """
        POST /health/pause/
    """,
    "": """
        POST /notices/<int:pk>/
        POST /submissions/filters/<int:pk>/forget/
        GET /api/v1/me/callback/
        GET /api/v1/me/callback/deliveries/
        POST /api/v1/me/callback/rotate-secret/
        POST /api/v1/me/rotate-token/
    """,
}
OPENED_BY = {line.strip(): who for who, lines in TABLE.items() for line in lines.splitlines() if line.strip()}
# What everybody goes through for themselves: their own sign-in and language, and what machines ask that watch it.
OWN = ("/sign-in/", "/sign-out/", "/profile/", "/healthz", "/readyz", "/metrics")
NOT_OPENED = {403, 404}
ADDRESSES = [path for path in PAGES + CALLS if not path.startswith(OWN) and path not in ("/api/", "/api/v1/")]


@pytest.fixture
def there(database: None, loopback_allowed: None) -> World:
    return world()


@pytest.mark.timeout(300)
@pytest.mark.parametrize("who", WHO)
def test_a_role_opens_what_the_table_gives_it_and_nothing_else(there: World, who: str) -> None:
    client, opened, wanted = visitor(there, WHO[who]), set(), {line for line, by in OPENED_BY.items() if who in by}
    for path in ADDRESSES:
        sent = {"data": "{}", "content_type": "application/json"} if path in CALLS else {}
        for method, answer in (("GET", client.get(there.at(path))), ("POST", client.post(there.at(path), **sent))):
            if answer.status_code != 405 and answer.status_code not in NOT_OPENED:
                opened.add(f"{method} {path}")
    assert (opened - wanted, wanted - opened) == (set(), set())


def test_every_address_stands_in_the_table() -> None:
    assert {line.split()[1] for line in OPENED_BY} == set(ADDRESSES)
