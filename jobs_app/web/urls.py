"""The pages' addresses."""

from django.urls import path

from . import callbacks, changes, compose, credentials, decisions, foreign, health, pages, session, trail, unknowns

urlpatterns = [
    path("", pages.home, name="home"),
    path("sign-in/", session.SignIn.as_view(), name="sign-in"),
    path("sign-out/", session.sign_out, name="sign-out"),
    path("submissions/", pages.listed, name="submissions"),
    path("submissions/new/", compose.new, name="compose"),
    path("submissions/new/review/", compose.review, name="review"),
    path("submissions/new/submit/", compose.submit, name="submit"),
    path("submissions/<uuid:pk>/", pages.submission, name="submission"),
    path("submissions/<uuid:pk>/live/", pages.live, name="live"),
    path("submissions/<uuid:pk>/decide/", decisions.decide, name="decide"),
    path("submissions/<uuid:pk>/cancel/", changes.cancel, name="cancel"),
    path("submissions/<uuid:pk>/retry/", changes.retry, name="retry"),
    path("submissions/<uuid:pk>/download-link/", changes.download_link, name="download-link"),
    path("submissions/<uuid:pk>/entries/", changes.entries, name="entries"),
    path("approvals/", decisions.inbox, name="approvals"),
    path("audit/", trail.search, name="audit"),
    path("audit/verify/", trail.verify, name="verify-trail"),
    path("audit/<int:seq>/", trail.event, name="event"),
    path("audit/foreign/", foreign.listed, name="foreign"),
    path("audit/foreign/note/", foreign.note, name="note-foreign"),
    path("callbacks/", callbacks.listed, name="callbacks"),
    path("callbacks/<int:pk>/", callbacks.page, name="callback"),
    path("callbacks/<int:pk>/<slug:verb>/", callbacks.act, name="callback-act"),
    path("credentials/", credentials.page, name="credentials"),
    path("health/", health.page, name="health"),
    path("health/pause/", health.pause, name="pause"),
    path("health/resume/", health.resume, name="resume"),
    path("unknowns/", unknowns.listed, name="unknowns"),
    path("unknowns/<uuid:pk>/resolve/", unknowns.resolve, name="resolve"),
    path("unknowns/<uuid:pk>/look-again/", unknowns.look_again, name="look-again"),
    path("healthz", health.healthz),
    path("readyz", health.readyz),
]
