"""Signing in through the organisation's identity provider (OpenID Connect), and linking an account to it."""

from dataclasses import replace
from typing import Any, cast

from allauth.account.internal.flows.login import record_authentication
from allauth.account.utils import get_next_redirect_url
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter, get_adapter
from allauth.socialaccount.models import SocialLogin
from allauth.socialaccount.providers.base import AuthProcess
from allauth.socialaccount.providers.oauth2.views import OAuth2CallbackView
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import get_backends
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from requests import RequestException

from .. import identities, people, sessions, single_sign_on
from ..actors import IDENTITY_PROVIDER, Actor
from ..errors import Invalid, NotAllowed, PortalError
from ..models import User
from ..single_sign_on import Claims
from . import again
from .actor import actor_of, forget_actor


class _Protocol(OpenIDConnectOAuth2Adapter):
    def get_callback_url(self, request: HttpRequest, app: Any) -> str:
        return settings.PORTAL_BASE_URL + reverse("sso-callback")


@require_GET
def begin(request: HttpRequest) -> HttpResponse:
    """Off to the provider; back by ``callback``."""
    return _off(request, AuthProcess.LOGIN, get_next_redirect_url(request))


@require_GET
def callback(request: HttpRequest) -> HttpResponse:
    if not settings.OIDC_ISSUER:
        return redirect("account_login")
    view = OAuth2CallbackView.adapter_view(_Protocol(request, settings.OIDC_PROVIDER))
    return cast(HttpResponse, view(request))


@require_POST
def link(request: HttpRequest) -> HttpResponse:
    """Links the signed-in person; by a page with a link, since a form may not lead to another site."""
    if not sessions.recently_proved(request):
        return again.ask(request)
    return _by_link(request, _off(request, AuthProcess.CONNECT, reverse("mfa_index")))


@require_POST
def unlink(request: HttpRequest) -> HttpResponse:
    if not sessions.recently_proved(request):
        return again.ask(request)
    single_sign_on.unlink(cast(User, request.user), by=actor_of(request))
    messages.success(request, _("The link is gone; sign in with your password from now on."))
    return redirect("mfa_index")


@require_http_methods(["GET", "POST"])
def confirm(request: HttpRequest) -> HttpResponse:
    """Proving once more who one is, for somebody whose second factor the provider asks for."""
    if not request.user.is_authenticated:
        return redirect("account_login")
    wanted = {"prompt": "login", "max_age": "0"}
    where = get_next_redirect_url(request)
    return _by_link(request, _off(request, AuthProcess.REDIRECT, where, auth_params=wanted))


def _off(request: HttpRequest, process: str, next_url: str | None, **more: Any) -> HttpResponse:
    if not settings.OIDC_ISSUER:
        return redirect("account_login")
    provider = get_adapter().get_provider(request, settings.OIDC_PROVIDER)
    provider.oauth2_adapter_class = _Protocol
    try:
        return cast(HttpResponse, provider.redirect(request, process, next_url=next_url, **more))
    except RequestException:
        messages.error(request, _("Your organisation's sign-in can't be reached just now; try again shortly."))
        return redirect("account_login")


def _by_link(request: HttpRequest, away: HttpResponse) -> HttpResponse:
    return render(request, "sign_in/away.html", {"url": away.headers["Location"], "name": settings.OIDC_NAME})


class SingleSignOn(DefaultSocialAccountAdapter):
    """What happens when somebody comes back from the provider."""

    def on_authentication_error(self, request: HttpRequest, provider: Any, **kwargs: Any) -> None:
        messages.error(request, _("Your organisation's sign-in didn't let you in, or took too long; try again."))
        raise ImmediateHttpResponse(redirect("account_login"))

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        given, account = sociallogin.account.extra_data, sociallogin.account
        # Names and addresses are not kept: the trail's erasing of a name wouldn't find them.
        account.extra_data = {}
        if account.pk:
            account.save(update_fields=["extra_data"])
        try:
            claims = Claims.of(given)
            came_back = {AuthProcess.CONNECT: _connected, AuthProcess.REDIRECT: _confirmed}
            came_back.get(sociallogin.state["process"], _entered)(request, sociallogin, claims)
        except PortalError as error:
            detail = " ".join(each.detail for each in error.problems) if isinstance(error, Invalid) else error.detail
            messages.error(request, detail)
            where = "mfa_index" if request.user.is_authenticated else "account_login"
            raise ImmediateHttpResponse(redirect(where)) from error


def _entered(request: HttpRequest, login: SocialLogin, claims: Claims) -> None:
    """Whoever is new here is made, if one of their groups has a role; everybody's roles are as their groups say."""
    by = _provider_at(request)
    with transaction.atomic():
        if not login.is_existing:
            login.user = _newcomer(claims, by)
            login.account = single_sign_on.link(login.user, claims, by=by)
        if not any(backend.get_user(login.user.pk) for backend in get_backends()):
            raise NotAllowed(_("This account is closed; ask an administrator."))
        if settings.OIDC_ROLES:
            single_sign_on.keep_roles(login.user, claims.roles, by=by)
    _note_factor(request, login.user, claims)


def _newcomer(claims: Claims, by: Actor) -> User:
    if not claims.roles:
        raise NotAllowed(_("None of your groups has a role here; ask an administrator."))
    if User.objects.filter(username__iexact=claims.name).exists():
        raise NotAllowed(
            _("Somebody here has this name. If it is you, sign in with your password and link it on your profile.")
        )
    return people.create_person(claims.name, None, roles=[], by=by)


def _connected(request: HttpRequest, login: SocialLogin, claims: Claims) -> None:
    person = cast(User, request.user)
    if not person.is_authenticated:
        raise NotAllowed(_("You were signed out meanwhile; sign in and link it again."))
    single_sign_on.link(person, claims, by=actor_of(request))
    messages.success(request, _("Linked: from now on you can sign in through your organisation."))
    raise ImmediateHttpResponse(redirect("mfa_index"))


def _confirmed(request: HttpRequest, login: SocialLogin, claims: Claims) -> None:
    """The provider was asked not to take its own open session for an answer; its ``auth_time`` tells whether it did."""
    is_enough = claims.has_second_factor or not sessions.needs_second_factor(cast(User, request.user))
    is_same = login.is_existing and login.user == request.user
    if not (is_same and is_enough and sessions.is_fresh(claims.proved_at)):
        raise NotAllowed(_("Your organisation's sign-in didn't say that it was you, just now; try again."))
    _note_factor(request, login.user, claims)
    record_authentication(request, login.user, "socialaccount", reauthenticated=True)
    forget_actor(request)


def _note_factor(request: HttpRequest, person: User, claims: Claims) -> None:
    """For when the session is theirs: until then it may become another one."""
    if claims.has_second_factor:
        request.sso_factor = (person.pk, claims.proved_at)  # type: ignore[attr-defined]


def _provider_at(request: HttpRequest) -> Actor:
    ip, request_id = identities.client_ip(request.META), str(request.request_id)  # type: ignore[attr-defined]
    return replace(IDENTITY_PROVIDER, ip=ip, request_id=request_id)
