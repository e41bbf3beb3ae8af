"""The REST API's addresses."""

from django.urls import path, re_path
from drf_spectacular.views import SpectacularJSONAPIView
from drf_spectacular.views import SpectacularSwaggerSplitView as _Docs

from . import batches, callbacks, changes, feed, rotation, settling, trail, views

urlpatterns = [
    path("operations/", views.Operations.as_view()),
    path("me/", views.Me.as_view()),
    path("me/rotate-token/", rotation.RotateToken.as_view()),
    path("me/callback/", callbacks.OwnCallback.as_view()),
    path("me/callback/rotate-secret/", callbacks.RotateSecret.as_view()),
    path("me/callback/deliveries/", callbacks.Deliveries.as_view()),
    path("submissions/", views.Submissions.as_view()),
    path("submissions/validate/", views.Validate.as_view()),
    path("submissions/bulk/", batches.Bulk.as_view()),
    path("submissions/<uuid:pk>/", views.OneSubmission.as_view()),
    path("submissions/<uuid:pk>/files/", views.Files.as_view()),
    path("submissions/<uuid:pk>/events/", views.Events.as_view()),
    path("submissions/<uuid:pk>/approve/", views.Approve.as_view()),
    path("submissions/<uuid:pk>/reject/", views.Reject.as_view()),
    path("submissions/<uuid:pk>/cancel/", changes.Cancel.as_view()),
    path("submissions/<uuid:pk>/retry/", changes.Retry.as_view()),
    path("submissions/<uuid:pk>/entries/", changes.Entries.as_view()),
    path("submissions/<uuid:pk>/download-link/", changes.DownloadLink.as_view()),
    path("submissions/<uuid:pk>/evidence/", settling.Evidence.as_view()),
    path("submissions/<uuid:pk>/resolve/", settling.Resolve.as_view()),
    path("batches/<uuid:pk>/", batches.OneBatch.as_view()),
    path("batches/<uuid:pk>/results.csv", batches.Results.as_view()),
    path("batches/<uuid:pk>/approve/", batches.Approve.as_view()),
    path("batches/<uuid:pk>/reject/", batches.Reject.as_view()),
    path("batches/<uuid:pk>/cancel/", batches.Cancel.as_view()),
    path("batches/<uuid:pk>/retry/", batches.Retry.as_view()),
    path("changes/", feed.Changes.as_view()),
    path("audit-events/", trail.AuditEvents.as_view()),
    path("schema/", SpectacularJSONAPIView.as_view(), name="schema"),
    path("docs/", _Docs.as_view(url_name="schema", template_name="api_docs.html"), name="api-docs"),
    re_path(r"", views.NothingHere.as_view()),
]
