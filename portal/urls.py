"""Every address of the portal: the doors bring their own."""

from django.urls import include, path

urlpatterns = [
    path("api/v1/", include("jobs_app.api.urls")),
    path("", include("jobs_app.web.urls")),
]
