"""Signing in by the house's own identity provider (OpenID Connect): who comes in by it, and as what."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import httpx2
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialLogin
from django.conf import settings
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from accounts.models import SiteSettings, User
from accounts.people.roles_form import RoleForm
from accounts.roles import Role
from accounts.sign_in.addresses import clean_address
from audit import record
from audit.actors import stranger
from outbound.transport import Bounds, ReplyTooLargeError, api_client

BOUNDS = Bounds(total_seconds=10.0, most_bytes=2**20, connect_seconds=5.0, read_seconds=5.0)
Claims = dict[str, object]


SILENT = _lazy(
    "The identity provider of your house does not answer as it should just now. Try it again in a minute."
)


class BoundedSession:
    """The few calls of a requests session that allauth makes, each with an end in seconds and bytes.

    Whatever goes wrong becomes a page: allauth itself looks for errors on the way back only, not on the way there.
    """

    def __init__(self, request: HttpRequest) -> None:
        self.page_request = request

    def __enter__(self) -> BoundedSession:
        return self

    def __exit__(self, *_error: object) -> None:
        """Each call has closed what it opened."""

    def get(self, url: str, headers: dict[str, str] | None = None) -> httpx2.Response:
        """An answer in JSON, as all that is read from a provider is."""
        response = self.request("GET", url, headers=headers)
        try:
            response.json()
        except ValueError as error:
            raise self._silent() from error
        return response

    def request(
        self,
        method: str,
        url: str,
        *,
        params: Any = None,
        data: Any = None,
        headers: dict[str, str] | None = None,
        auth: Any = None,
    ) -> httpx2.Response:
        credentials = (auth.username, auth.password) if auth else None
        try:
            with api_client(url, BOUNDS) as client:
                return client.request(
                    method, url, params=params, data=data, headers=headers, auth=credentials
                ).raise_for_status()
        except (httpx2.HTTPError, ReplyTooLargeError) as error:
            raise self._silent() from error

    def _silent(self) -> ImmediateHttpResponse:
        page = render(self.page_request, "account/turned_away.html", {"sentence": SILENT}, status=503)
        return ImmediateHttpResponse(page)


class IdentityProviderAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc]  # allauth ships no types
    """People are matched by confirmed address; the provider's groups decide the role where the site names groups."""

    def get_requests_session(self) -> BoundedSession:
        return BoundedSession(self.request)

    def is_open_for_signup(self, request: HttpRequest, sociallogin: SocialLogin) -> bool:
        return SiteSettings.current().provisions_people

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        """Find the person, give them the role of their groups, or say why they do not come in."""
        claims = claims_of(sociallogin)
        if sociallogin.state.get("process") == "connect":
            raise turned_away(request, claims, _("Accounts are matched by their address, not by hand."))
        _forget_claims(sociallogin)
        address = confirmed_address(claims)
        person = sociallogin.user if sociallogin.is_existing else _person_with(address)
        if person is None and not (address and self.is_open_for_signup(request, sociallogin)):
            raise turned_away(
                request,
                claims,
                _("Nobody with a confirmed address that this site knows; ask to be invited."),
            )
        role = role_of(claims)
        if person is None:
            sociallogin.user.email = address
            sociallogin.user.role = role or Role.RATER
            return
        if role is None and person.role != Role.RATER and names_groups():
            raise turned_away(
                request, claims, f"Your house no longer names you {person.get_role_display().lower()} here."
            )
        if role is not None:
            _give(request, claims, person, role)
        if not sociallogin.is_existing:
            sociallogin.connect(request, person)

    def save_user(self, request: HttpRequest, sociallogin: SocialLogin, form: Any = None) -> User:
        person: User = super().save_user(request, sociallogin, form)
        record(person, person, "was given an account by the identity provider", role=person.role)
        return person


def claims_of(sociallogin: SocialLogin) -> Claims:
    """What the provider says of the person: the ID token's claims, and over them the user info's."""
    data = sociallogin.account.extra_data
    return {**data.get("id_token", {}), **data.get("userinfo", {})}


def _forget_claims(sociallogin: SocialLogin) -> None:
    """Only the provider's key of the person is kept: names and groups are its to keep."""
    sociallogin.account.extra_data = {}
    if sociallogin.account.pk:
        sociallogin.account.save(update_fields=["extra_data"])


def confirmed_address(claims: Claims) -> str:
    """The person's address; empty where the provider does not vouch for it."""
    if not (claims.get("email_verified") is True or settings.OIDC_ADDRESSES_CONFIRMED):
        return ""
    try:
        return clean_address(str(claims.get("email", "")))
    except ValidationError:
        return ""


def role_of(claims: Claims) -> Role | None:
    """The highest role that the person's groups give; None where none of them is named."""
    value = claims.get(settings.OIDC_ROLE_CLAIM, [])
    groups = set(map(str, value)) if isinstance(value, Iterable) and not isinstance(value, str) else {value}
    for role, names in ((Role.ADMIN, settings.OIDC_ADMINS), (Role.RESEARCHER, settings.OIDC_RESEARCHERS)):
        if groups & set(names):
            return role
    return None


def names_groups() -> bool:
    return bool(settings.OIDC_ADMINS or settings.OIDC_RESEARCHERS)


def _person_with(address: str) -> User | None:
    return User.objects.filter(email__iexact=address).first() if address else None


def _give(request: HttpRequest, claims: Claims, person: User, role: Role) -> None:
    form = RoleForm({"role": role}, person=person)
    if not form.is_valid():
        raise turned_away(request, claims, form.sentence)
    form.save(by=person, source="identity provider")


def turned_away(request: HttpRequest, claims: Claims, sentence: str) -> ImmediateHttpResponse:
    """The page for whoever does not come in, and an event that says so."""
    record(None, stranger(str(claims.get("email", ""))[:254]), "was turned away at the identity provider")
    response: HttpResponse = render(request, "account/turned_away.html", {"sentence": sentence}, status=403)
    return ImmediateHttpResponse(response)
