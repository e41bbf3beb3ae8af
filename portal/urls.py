"""Every address of the portal: the doors bring their own."""

from django.urls import include, path, re_path

from jobs_app.admin import site
from jobs_app.api.views import NothingHere

urlpatterns = [
    path("api/v1/", include("jobs_app.api.urls")),
    re_path(r"^api/", NothingHere.as_view()),
    path("admin/", site.urls),
    path("", include("jobs_app.web.urls")),
]

handler400 = "jobs_app.web.errors.bad_request"
handler403 = "jobs_app.web.errors.forbidden"
handler404 = "jobs_app.web.errors.not_found"
handler500 = "jobs_app.web.errors.server_error"
