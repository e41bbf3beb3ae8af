"""Django's admin: a read-only look at the rows, for administrators, behind the portal's own sign-in."""

from typing import Any

from allauth.account.adapter import get_adapter
from django.contrib.admin import AdminSite, ModelAdmin
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from .actors import Role
from .models import ApiToken, Approval, RoleGrant, Service, Submission, User


class PortalAdmin(AdminSite):
    site_header = site_title = "KooDrive batch portal"
    index_title = "Rows, to look at"

    def has_permission(self, request: HttpRequest) -> bool:
        user = request.user
        return user.is_authenticated and Role.ADMINISTRATOR in user.current_roles()

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        return redirect("home" if request.user.is_authenticated else "account_login")

    def logout(  # type: ignore[override]
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        get_adapter().logout(request)
        return redirect("account_login")

    def password_change(  # type: ignore[override]
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return redirect("account_change_password")


class ReadOnly(ModelAdmin):  # type: ignore[type-arg]
    """Everything may be looked at and nothing changed: that goes through the verbs, which write the trail."""

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return True

    def has_module_permission(self, request: HttpRequest) -> bool:
        return True

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class Submissions(ReadOnly):
    list_display = ("id", "operation", "status", "task_id", "created_at")
    list_filter = ("status", "operation")


class Tokens(ReadOnly):
    list_display = ("service", "scopes", "expires_at", "revoked_at")
    exclude = ("digest",)


class People(ReadOnly):
    list_display = ("username", "email", "is_active", "last_day", "last_login")
    fields = ("username", "email", "is_active", "last_day", "last_login", "date_joined")


site = PortalAdmin(name="admin")
site.register(Submission, Submissions)
site.register([Approval, RoleGrant, Service], ReadOnly)
site.register(ApiToken, Tokens)
site.register(User, People)
