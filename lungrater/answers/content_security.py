"""The header that says which scripts, styles and images a page may use: django-csp's, made once where a view changes nothing."""

from __future__ import annotations

from functools import cache

from csp.constants import HEADER
from csp.middleware import CSPMiddleware
from csp.utils import build_policy
from django.conf import settings
from django.http import HttpRequest, HttpResponseBase


class ContentSecurity(CSPMiddleware):
    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        has_its_own = any(name.startswith("_csp") for name in (*vars(response), *vars(request)))
        if has_its_own or settings.DEBUG:
            own: HttpResponseBase = super().process_response(request, response)
            return own
        response.headers.setdefault(HEADER, _of_site())
        return response


@cache
def _of_site() -> str:
    policy: str = build_policy()
    return policy
