from django.urls import include, path

from accounts.adapter import address_stands
from accounts.login_links import login_link
from lungrater import pages
from lungrater.health import healthz
from lungrater.machines.views import machines, stop_machine
from rating.studies.invitations import invite_raters

urlpatterns = [
    path("", pages.home, name="home"),
    path("enter/<slug:token>/", login_link, name="login_link"),
    path("healthz", healthz, name="healthz"),
    path("studies/<slug:slug>/invite/", invite_raters, name="invite"),
    path("studies/<slug:slug>/machines/", machines, name="machines"),
    path("studies/<slug:slug>/machines/<int:pk>/stop/", stop_machine, name="stop_machine"),
    path("accounts/email/", address_stands, name="account_email"),
    path("accounts/", include("allauth.urls")),
    path("pool/", include("pool.urls")),
    path("generation/", include("generation.urls")),
    path("", include("rating.urls")),
]
