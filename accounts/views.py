"""Pages of the site itself: its settings, and what it says about privacy."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required, permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.site_settings import SiteSettings
from accounts.site_settings_form import SiteSettingsForm


@permission_required("accounts.change_sitesettings", raise_exception=True)
@never_cache
def site_settings(request: HttpRequest) -> HttpResponse:
    form = SiteSettingsForm(request.POST or None, instance=SiteSettings.current())
    if request.method == "POST" and form.is_valid():
        changed = bool(form.changes())
        form.save_by(request.user)
        messages.success(request, "Saved." if changed else "Nothing was different.")
        return redirect("site_settings")
    return render(request, "site/settings.html", {"form": form})


@login_not_required
@require_safe
def privacy_notice(request: HttpRequest) -> HttpResponse:
    """The site's own words about privacy, for everybody."""
    return render(request, "site/privacy.html")
