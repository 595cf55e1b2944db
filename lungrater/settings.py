"""Settings, read from the environment; every default fits a fresh checkout on one machine."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from botocore.config import Config
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from lungrater.deadlines.limits import BROKER_DEADLINES, MAIL_SECONDS, S3_DEADLINES, S3_MEMORY, database
from lungrater.embedded.home import Home
from lungrater.embedded.urls import database_url, redis_url
from lungrater.environment import env

BASE_DIR = Path(__file__).resolve().parent.parent
# A wheel carries templates, static files and languages inside the package; a checkout has them at its top.
PACKAGED = BASE_DIR / "lungrater" / "resources"
RESOURCES = PACKAGED if PACKAGED.is_dir() else BASE_DIR
HOME = Home.from_environment()

# --- Safety -----------------------------------------------------------------------------------------------
PRODUCTION = env.bool("LUNGRATER_PRODUCTION", default=False)
DEBUG = env.bool("DEBUG", default=False)
DEVELOPMENT_SECRET = "development-only-secret-key-of-a-fresh-checkout-never-for-patients"  # noqa: S105  (refused below)
SECRET_KEY = env.str(
    "SECRET_KEY", default=HOME.secret_key.read_text() if HOME.secret_key.exists() else DEVELOPMENT_SECRET
)
if PRODUCTION and SECRET_KEY == DEVELOPMENT_SECRET:
    raise ImproperlyConfigured("Set SECRET_KEY (or SECRET_KEY_FILE) to a long random text before going live.")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = [
    f"https://*{host}" if host.startswith(".") else f"https://{host}"
    for host in ALLOWED_HOSTS
    if host not in {"*", "[::1]"}
]

SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SESSION_ENGINE = "accounts.sign_in.session_store"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = PRODUCTION
LANGUAGE_COOKIE_HTTPONLY = True
LANGUAGE_COOKIE_SAMESITE = "Lax"
if PRODUCTION:  # a browser takes a cookie of such a name from this very host and over HTTPS alone
    SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = "__Host-sessionid", "__Host-csrftoken"
    LANGUAGE_COOKIE_NAME = "__Host-language"
# A notice to the next page waits in the session, not in a cookie of its own.
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"
SESSION_COOKIE_AGE = int(timedelta(days=14).total_seconds())
# Whoever may see the truth is signed out after an hour without a request, and after a day in any case.
STAFF_IDLE = timedelta(minutes=env.int("STAFF_IDLE_MINUTES", default=60))
STAFF_SESSION = timedelta(hours=env.int("STAFF_SESSION_HOURS", default=24))
if PRODUCTION:
    SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", default=True)
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_REDIRECT_EXEMPT = [r"^(livez|readyz|healthz|metrics)$"]
    SECURE_HSTS_SECONDS = int(timedelta(days=365).total_seconds())
    # A hospital's other hosts are not ours to force onto HTTPS: only where the environment says so.
    SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = env.bool("HSTS_WHOLE_DOMAIN", default=False)
    SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "blob:"],
        "connect-src": [SELF],
        "font-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
    }
}

# --- Rooms ------------------------------------------------------------------------------------------------
ROOMS = ["lungrater", "audit", "accounts", "jobs", "pool", "generation", "rating"]
INSTALLED_APPS = [
    *ROOMS,
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "allauth.usersessions",
    "csp",
    "django_htmx",
]
MIDDLEWARE = [
    "lungrater.monitoring.requests.Requests",
    "lungrater.answers.slow_requests.SlowRequests",
    "lungrater.answers.methods.NoTrace",
    "lungrater.answers.headers.Headers",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "lungrater.answers.content_security.ContentSecurity",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "accounts.sign_in.page_language.PageLanguage",
    "accounts.sign_in.session_limits.SessionLimits",
    "accounts.sign_in.second_factor.SecondFactorRule",
    "lungrater.answers.refusals.Refusals",
]
ROOT_URLCONF = "lungrater.urls"
WSGI_APPLICATION = "lungrater.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [RESOURCES / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "accounts.sign_in.context.site",
                "lungrater.pages.rail.frame",
            ],
        },
    }
]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- Data -------------------------------------------------------------------------------------------------
DATABASES = {"default": database(database_url(), is_web=env.bool("LUNGRATER_IS_WEB", default=False))}


def storage(url: str) -> dict[str, Any]:
    """Django's description of a folder path, or of `s3://bucket/folder?endpoint=…`."""
    parts = urlsplit(url)
    if parts.scheme != "s3":
        return {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": str(Path(url).absolute())},
        }
    options: dict[str, object] = {
        "bucket_name": parts.netloc,
        "location": parts.path.strip("/"),
        "max_memory_size": S3_MEMORY,
        "client_config": Config(**S3_DEADLINES),
        "default_acl": None,
        "file_overwrite": False,
        "querystring_auth": True,
    }
    if endpoint := parse_qs(parts.query).get("endpoint"):
        options["endpoint_url"] = endpoint[0]
    return {"BACKEND": "lungrater.deadlines.file_storage.TimedS3Storage", "OPTIONS": options}


STORAGES = {
    "default": storage(env.str("STORAGE_URL", default=str(HOME.media))),
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
# Shared by the web processes, so that sign-in rate limits count all of them; nothing else is cached here.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.filebased.FileBasedCache",
        "LOCATION": str(HOME.root / "cache"),
    }
}
MODELS_DIR = HOME.models
# The documentation, where it was built: in a wheel, or by `make docs`.
DOCS_DIR = PACKAGED / "docs" if PACKAGED.is_dir() else BASE_DIR / "build" / "docs"
STATIC_URL = "/static/"
STATIC_ROOT = HOME.root / "static"
STATICFILES_DIRS = [RESOURCES / "static"]
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = DEBUG
FILE_UPLOAD_HANDLERS = ["django.core.files.uploadhandler.TemporaryFileUploadHandler"]
DATA_UPLOAD_MAX_NUMBER_FILES = 20_000
# Of files sent in pieces: the largest, all of a person's that are not imported yet, and how long those wait to go on.
UPLOAD_MOST_GB = env.int("UPLOAD_MOST_GB", default=20)
UPLOAD_MOST_GB_PERSON = env.int("UPLOAD_MOST_GB_PERSON", default=100)
UPLOAD_DAYS = env.int("UPLOAD_DAYS", default=7)
# How long a file lies on the release desk that nobody decides of; 0: for ever.
HELD_FILE_DAYS = env.int("HELD_FILE_DAYS", default=365)

# --- Work -------------------------------------------------------------------------------------------------
CELERY_BROKER_URL = redis_url()
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {"visibility_timeout": 3600, "max_retries": 1, **BROKER_DEADLINES}
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TASK_DEFAULT_QUEUE = "cpu"
CELERY_TASK_ROUTES = {
    "lungrater.demo.tasks.build_demo": {"queue": "gpu"},
    "lungrater.demo.tasks.build_beside": {"queue": "training"},
}
CELERY_BEAT_SCHEDULE = {
    "sweep-jobs": {"task": "jobs.tasks.sweep_jobs", "schedule": timedelta(seconds=15)},
    "drop-finished-uploads": {
        "task": "pool.imports.tasks.drop_finished_uploads",
        "schedule": timedelta(minutes=5),
    },
    "expire-held-files": {
        "task": "pool.imports.tasks.expire_held_files",
        "schedule": timedelta(hours=1),
    },
    "drop-abandoned-uploads": {
        "task": "pool.uploads.tasks.drop_abandoned_uploads",
        "schedule": timedelta(hours=1),
    },
    "drop-old-releases": {
        "task": "pool.publication.tasks.drop_old_releases",
        "schedule": timedelta(hours=1),
    },
    "drop-old-bundles": {
        "task": "rating.results.export.tasks.drop_old_bundles",
        "schedule": timedelta(hours=1),
    },
    "measure-image-files": {
        "task": "pool.imports.tasks.measure_image_files",
        "schedule": timedelta(minutes=5),
    },
    "drop-ended-tokens": {
        "task": "accounts.tokens.tasks.drop_what_is_over",
        "schedule": timedelta(hours=1),
    },
    "enter-heads-of-chains": {
        "task": "audit.tasks.enter_heads_of_chains",
        "schedule": timedelta(minutes=5),
    },
    "erase-after-retention": {
        "task": "lungrater.privacy.tasks.erase_after_retention",
        "schedule": timedelta(days=1),
    },
    "remind-raters": {"task": "lungrater.reminders.tasks.remind_raters", "schedule": timedelta(hours=1)},
    "enter-heads": {"task": "rating.studies.trail.tasks.enter_all_heads", "schedule": timedelta(minutes=5)},
}
# Where a backup of the whole site is put each night, at which hour (UTC), and how many of them stay.
BACKUP_URL = env.str("BACKUP_URL", default="")
BACKUP_HOUR = env.int("BACKUP_HOUR", default=2)
BACKUP_KEEP = env.int("BACKUP_KEEP", default=7)
if BACKUP_URL:
    CELERY_BEAT_SCHEDULE["nightly-backup"] = {
        "task": "lungrater.backup.tasks.make_nightly_backup",
        "schedule": timedelta(minutes=10),
        "options": {"expires": 600},
    }
CELERY_TIMEZONE = "UTC"

# What signs the C2PA manifests of released images: PEM files of the certificate with its chain, and of its key; a test one else.
C2PA_CERTIFICATE = env.str("C2PA_CERTIFICATE", default="")
C2PA_PRIVATE_KEY = env.str("C2PA_PRIVATE_KEY", default="")
C2PA_ALGORITHM = env.str("C2PA_ALGORITHM", default="es256")

# Where errors are reported to, scrubbed; see lungrater/error_reports.
SENTRY_DSN = env.str("SENTRY_DSN", default="")

# Who may read /metrics: whoever brings this word; without one a program on this machine, in production nobody.
METRICS_TOKEN = env.str("METRICS_TOKEN", default="")
# Where the web processes of this machine count together; gunicorn's configuration makes it.
METRICS_FOLDER = env.str("PROMETHEUS_MULTIPROC_DIR", default="")

# The network whose features the distances FD and KD are of: PATH.toml of a recipe, a TorchScript file, or empty for the small one.
EXTRACTOR = env.str("EXTRACTOR", default="")
# The Python of an environment that has frd-score 1.0.1; empty: FRD is not offered.
RADIOMICS_PYTHON = env.str("RADIOMICS_PYTHON", default="")

# Whether an import may fetch from addresses of one's own network; else a person could look around in it.
IMPORT_FROM_PRIVATE_NETWORKS = env.bool("IMPORT_FROM_PRIVATE_NETWORKS", default=False)
OPENAI_BASE_URL = env.str("OPENAI_BASE_URL", default="https://api.openai.com/v1")

# --- People -----------------------------------------------------------------------------------------------
# How often one token may ask, as COUNT/PERIOD with s, m, h or d.
API_RATE = env.str("API_RATE", default="600/m")
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = [
    "accounts.role_backend.RoleBackend",
    "accounts.sign_in.backend.SignInBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
    {"NAME": "accounts.sign_in.passwords.HouseWordsValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ["email", "first_name", "last_name"]},
    },
]
ACCOUNT_ADAPTER = "accounts.sign_in.adapter.AccountAdapter"
ACCOUNT_FORMS = {
    "login": "accounts.sign_in.password_forms.LoginForm",
    "reauthenticate": "accounts.sign_in.password_forms.ReauthenticateForm",
    "change_password": "accounts.sign_in.password_forms.ChangePasswordForm",
}
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_LOGIN_BY_CODE_ENABLED = True
# Beside allauth's own: how many a recruitment link lets in, from one client and in all.
ACCOUNT_RATE_LIMITS = {"take_part": "20/10m/ip,300/h/key"}
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_FORMS = {
    "add_webauthn": "accounts.sign_in.key_forms.AddKeyForm",
    "edit_webauthn": "accounts.sign_in.key_forms.EditKeyForm",
}
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_ALLOW_UNVERIFIED_EMAIL = True  # an invited person's address is known, if not always confirmed
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not PRODUCTION  # http://localhost
ACCOUNT_PREVENT_ENUMERATION = True
# Behind so many proxies of one's own, rate limits count the address that the outermost of them saw.
ALLAUTH_TRUSTED_PROXY_COUNT = env.int("TRUSTED_PROXY_COUNT", default=0)
# The house's own identity provider, by OpenID Connect; without OIDC_URL there is none.
OIDC_URL = env.str("OIDC_URL", default="")
OIDC_NAME = env.str("OIDC_NAME", default="your house's account")
OIDC_ROLE_CLAIM = env.str("OIDC_ROLE_CLAIM", default="groups")
OIDC_RESEARCHERS = env.list("OIDC_RESEARCHERS", default=[])
OIDC_ADMINS = env.list("OIDC_ADMINS", default=[])
OIDC_ADDRESSES_CONFIRMED = env.bool("OIDC_ADDRESSES_CONFIRMED", default=False)
SOCIALACCOUNT_ADAPTER = "accounts.sign_in.identity_provider.IdentityProviderAdapter"
SOCIALACCOUNT_LOGIN_ON_GET = (
    True  # a form's target may not redirect to another host, which no link is kept from
)
SOCIALACCOUNT_STORE_TOKENS = False
SOCIALACCOUNT_PROVIDERS = {"openid_connect": {"APPS": [], "OAUTH_PKCE_ENABLED": True}}
if OIDC_URL:
    SOCIALACCOUNT_PROVIDERS["openid_connect"]["APPS"] = [
        {
            "provider_id": "house",
            "name": OIDC_NAME,
            "client_id": env.str("OIDC_CLIENT_ID"),
            "secret": env.str("OIDC_CLIENT_SECRET"),
            "settings": {"server_url": OIDC_URL},
        }
    ]
LOGIN_REDIRECT_URL = "home"
LOGIN_URL = "account_login"
# Without EMAIL_URL nothing is sent and nothing is printed: codes and links are secrets, a log is not their place.
EMAIL_CONFIG = env.email_url("EMAIL_URL", default="dummymail://")
if EMAIL_CONFIG["EMAIL_BACKEND"] == "django.core.mail.backends.smtp.EmailBackend":
    EMAIL_CONFIG["EMAIL_BACKEND"] = "lungrater.deadlines.mail.TimedSMTP"
vars().update(EMAIL_CONFIG)
EMAIL_TIMEOUT = MAIL_SECONDS
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="LungRater <lungrater@localhost>")

# --- Words and time ---------------------------------------------------------------------------------------
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("de", "Deutsch"), ("ar", "العربية")]
LOCALE_PATHS = [RESOURCES / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

LOG_FORMAT = env.str("LOG_FORMAT", default="line")
if LOG_FORMAT not in ("line", "json"):
    raise ImproperlyConfigured("LOG_FORMAT is line or json.")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {
            "()": "lungrater.logs.AsLine",
            "format": "{asctime} {levelname} {name}: {message}",
            "style": "{",
        },
        "json": {"()": "lungrater.logs.AsJson"},
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": LOG_FORMAT}},
    "loggers": {
        "lungrater.monitoring.requests": {"level": "INFO" if LOG_FORMAT == "json" else "WARNING"},
        # It writes down whole addresses, in which keys stand, and identifiers of patients.
        "httpx2": {"level": "WARNING"},
    },
    "root": {"handlers": ["stderr"], "level": env.str("LOG_LEVEL", default="INFO")},
}
