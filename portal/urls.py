"""Every address of the portal: the doors bring their own."""

from django.urls import include, path

from jobs_app.admin import site

urlpatterns = [
    path("api/v1/", include("jobs_app.api.urls")),
    path("admin/", site.urls),
    path("", include("jobs_app.web.urls")),
]

handler400 = "jobs_app.web.errors.bad_request"
handler403 = "jobs_app.web.errors.forbidden"
handler404 = "jobs_app.web.errors.not_found"
handler500 = "jobs_app.web.errors.server_error"
