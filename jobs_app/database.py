"""What the application's database role may do: the boundary that no bug or break-in of ours gets past.

The owner's role migrates and then grants. Everything is granted anew after every migration, so it always agrees with
the code and with the role names in the addresses of the environment.
"""

from typing import Any

from django.db import connections
from psycopg import sql

# Tables of which the application may do less than read, insert, update and delete.
RESTRICTED = {
    "django_migrations": "SELECT",
    # What was asked, by whom and its hash never change; only what became of it does.
    "jobs_app_submission": "SELECT, INSERT, UPDATE (status, hold, detail, due_at, approval_expires_at, send_by, "
    "clock_at, attempts, claim, trace_id, task_id, task_user, outcome_basis, cancel_requested_at, cancel_asked_at, "
    "looks, evidence, conflict, result_code, result_message, progress, files_succeeded, files_failed, updated_at, "
    "sent_at, accepted_at, finished_at)",
    "jobs_app_batch": "SELECT, INSERT",
    "jobs_app_submissionfile": "SELECT, INSERT, UPDATE (status, result_code, result_desc, new_file_id, new_file_path)",
    "jobs_app_archivepassword": "SELECT, INSERT, DELETE, UPDATE (ciphertext)",
    "jobs_app_archiveentry": "SELECT, INSERT",
    "jobs_app_credential": "SELECT, INSERT, UPDATE (ciphertext)",
    "jobs_app_approval": "SELECT, INSERT, UPDATE (superseded_at)",
    # Since when and from whom a role is never changes; a trigger holds who may give which.
    "jobs_app_rolegrant": "SELECT, INSERT, DELETE",
    "jobs_app_policy": "SELECT, INSERT",
    "jobs_app_spent": "SELECT, INSERT, UPDATE (items)",
    "jobs_app_idempotencykey": "SELECT, INSERT, DELETE",
    "jobs_app_service": "SELECT, INSERT, UPDATE",
    # A token never lives longer, and never may more, than when it was made.
    "jobs_app_apitoken": "SELECT, INSERT, UPDATE (name, addresses, operations, spaces, rate, rotated_at, retires_at, "
    "first_used_at, last_used_at, last_used_ip, refusals, paused_at, paused_by_id, pause_reason, "
    "revoked_at, revoked_by_id, revoke_reason)",
    # Where a notice goes and what it says never changes; only what became of it does.
    "jobs_app_delivery": "SELECT, INSERT, DELETE, UPDATE (state, attempts, claim, due_at, first_tried_at, tried_at, "
    "status_code, error, ended_at)",
    # Whom a notice is for and what it says never changes, but how often that happened and what became of its mail does.
    "jobs_app_notice": "SELECT, INSERT, DELETE, UPDATE (count, at, about, read_at, in_portal, mail, due_at, letter, "
    "claim, told, attempts, first_tried_at, ended_at, error)",
    "jobs_app_noticestate": "SELECT, INSERT, UPDATE",
    "jobs_app_foreigntask": "SELECT, INSERT, UPDATE (noted_by_id, noted_at, note)",
    "jobs_app_export": "SELECT, INSERT, UPDATE (status, attempts, touched_at, done, total, size, sha256, manifest, "
    "problem, finished_at, expires_at)",
    # What is proposed never changes; a trigger holds what was decided about it.
    "jobs_app_proposal": "SELECT, INSERT, UPDATE (state, decided_by_id, decided_at, comment)",
    # Which space it is never changes; a trigger holds that its rules are loosened by two.
    "jobs_app_space": "SELECT, INSERT, DELETE, UPDATE (name, owner_id, description, protected, approval_always, hold, "
    "hold_until, loosened_by_id)",
    "jobs_app_exportpart": "SELECT, INSERT, DELETE",
    # Of django-allauth, and not used: the portal confirms no addresses, keeps no tokens, and is set by the environment.
    "account_emailaddress": "SELECT",
    "account_emailconfirmation": "SELECT",
    "socialaccount_socialapp": "SELECT",
    "socialaccount_socialtoken": "SELECT, DELETE",
}
READABLE = "audit.event, audit.actor_name, audit.seal, audit.anchored, audit.instance"
AUDIT_FUNCTIONS = ("record(text[])", "actor_hash(text, text)", "make_partitions(int)", "columns(jsonb)")


def grant() -> None:
    """Gives the roles of ``default`` and ``sealer`` their rights, as the owner; without separate roles does nothing."""
    owner = connections["owner"]
    me = owner.settings_dict["USER"]
    application = connections["default"].settings_dict["USER"]
    sealer = connections["sealer"].settings_dict["USER"]
    readers = {application, sealer} - {me}
    with owner.cursor() as cursor:
        for reader in sorted(readers):
            _run(cursor, "GRANT USAGE ON SCHEMA audit TO {role}", reader)
            _run(cursor, f"GRANT SELECT ON {READABLE} TO {{role}}", reader)
        if sealer != me:
            _run(cursor, "GRANT INSERT ON audit.seal TO {role}", sealer)
            _run(cursor, "GRANT INSERT, UPDATE ON audit.anchored TO {role}", sealer)
            _run(cursor, "GRANT USAGE ON SCHEMA public TO {role}", sealer)
            _run(cursor, "GRANT SELECT, INSERT, UPDATE ON public.jobs_app_heartbeat TO {role}", sealer)
        if application == me:
            return
        _run(cursor, "GRANT USAGE ON SCHEMA public TO {role}", application)
        _run(cursor, "GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {role}", application)
        for table in owner.introspection.table_names(cursor):
            _run(cursor, f'REVOKE ALL ON public."{table}" FROM {{role}}', application)
            rights = RESTRICTED.get(table, "SELECT, INSERT, UPDATE, DELETE")
            _run(cursor, f'GRANT {rights} ON public."{table}" TO {{role}}', application)
        for function in AUDIT_FUNCTIONS:
            _run(cursor, f"GRANT EXECUTE ON FUNCTION audit.{function} TO {{role}}", application)


def _run(cursor: Any, statement: str, role: str) -> None:
    cursor.execute(sql.SQL(statement).format(role=sql.Identifier(role)))
