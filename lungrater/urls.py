from allauth.account.views import password_reset, request_login_code
from allauth.mfa.totp.views import activate_totp
from allauth.mfa.webauthn.views import add_webauthn
from csp.decorators import csp_update
from django.contrib.auth.decorators import login_not_required
from django.urls import include, path
from django.views.decorators.http import require_POST
from django.views.i18n import set_language

from accounts.sign_in.adapter import address_stands
from accounts.sign_in.identity_proof import ProveByCode, nothing_to_prove_with
from accounts.sign_in.login_links import login_link
from accounts.sign_in.second_factor import second_factor
from accounts.sign_in.views import account, after_proof, by_mail, set_password
from accounts.tokens.views import act_token, revoke_token, tokens
from accounts.views import privacy_notice, site_settings
from lungrater.api.document import docs_page, document
from lungrater.api.site_api import addresses
from lungrater.machines import views as machines
from lungrater.monitoring.health import healthz, livez, readyz
from lungrater.monitoring.health_page import back_up, health
from lungrater.monitoring.metrics import metrics
from lungrater.pages.documentation import documentation
from lungrater.pages.home import home
from lungrater.pages.log_page import log, log_csv
from lungrater.pages.tour import end_tour
from lungrater.people.views import change_person, invite_people, people_csv, people_list, person
from lungrater.privacy.views import erase_person, own_data
from rating.views.conduct.inviting import invite_raters

urlpatterns = [
    path("", home, name="home"),
    path("", include("rating.urls")),  # tried first, as raters ask most
    path("enter/<slug:token>/", login_link, name="login_link"),
    path("language/", login_not_required(require_POST(set_language)), name="set_language"),
    path("livez", livez, name="livez"),
    path("readyz", readyz, name="readyz"),
    path("healthz", healthz, name="healthz"),
    path("metrics", metrics, name="metrics"),
    path("studies/<slug:slug>/invite/", invite_raters, name="invite"),
    path("studies/<slug:slug>/machines/", machines.machines, name="machines"),
    *machines.pages.urls("machines/"),
    path("account/", account, name="account"),
    path("account/tour/", end_tour, name="end_tour"),
    path("account/tokens/", tokens, name="tokens"),
    path("account/tokens/act/", act_token, name="act_token"),
    path("account/tokens/<int:pk>/revoke/", revoke_token, name="revoke_token"),
    path("api/", docs_page, name="api_docs"),
    path("api/v1/openapi.json", document, name="api_document"),
    path("api/v1/", include((addresses, "api"))),
    path("docs/", documentation, name="docs"),
    path("docs/<path:name>", documentation, name="docs_page"),
    path("people/", people_list, name="people"),
    path("people.csv", people_csv, name="people_csv"),
    path("people/invite/", invite_people, name="invite_people"),
    path("people/<uuid:uuid>/", person, name="person"),
    path("people/<uuid:uuid>/change/<slug:act>/", change_person, name="change_person"),
    path("people/<uuid:uuid>/erase/", erase_person, name="erase_person"),
    path("account/my-data.zip", own_data, name="own_data"),
    path("account/second-factor/", second_factor, name="second_factor"),
    path("settings/", site_settings, name="site_settings"),
    path("privacy/", privacy_notice, name="privacy_notice"),
    path("health/", health, name="health"),
    path("health/backup", back_up, name="back_up"),
    path("log/", log, name="log"),
    path("log.csv", log_csv, name="log_csv"),
    path("accounts/email/", address_stands, name="account_email"),
    path("accounts/3rdparty/", address_stands, name="socialaccount_connections"),
    path("accounts/login/code/", by_mail(request_login_code), name="account_request_login_code"),
    path("accounts/password/reset/", by_mail(password_reset), name="account_reset_password"),
    path("accounts/password/set/", set_password, name="account_set_password"),
    path("accounts/prove/code/", ProveByCode.as_view(), name="prove_by_code"),
    path("accounts/prove/", nothing_to_prove_with, name="nothing_to_prove_with"),
    # The QR code is a data: image, which no other page may show.
    path(
        "accounts/2fa/totp/activate/",
        csp_update({"img-src": ["data:"]})(after_proof(activate_totp)),
        name="mfa_activate_totp",
    ),
    path("accounts/2fa/webauthn/add/", after_proof(add_webauthn), name="mfa_add_webauthn"),
    path("accounts/", include("allauth.urls")),
    path("pool/", include("pool.urls")),
    path("generation/", include("generation.urls")),
]

handler500 = "lungrater.answers.problems.server_error"
