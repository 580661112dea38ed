"""Settings from the environment alone (see .env.example). Production is the default."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from urllib.parse import unquote, urlsplit

from cryptography.fernet import Fernet
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _
from django_stubs_ext import monkeypatch

from campushub import env
from core.api.schema import SPECTACULAR_SETTINGS as SPECTACULAR_SETTINGS

monkeypatch()  # generic Django classes such as models.Field[int, int] can be named at run time

BASE_DIR = Path(__file__).resolve().parent.parent

ENVIRONMENT = env.text("CAMPUSHUB_ENV", "production")
if ENVIRONMENT not in {"production", "development", "test"}:
    raise ImproperlyConfigured("CAMPUSHUB_ENV must be production, development or test.")
PRODUCTION = ENVIRONMENT == "production"
DEBUG = False

# --- Secrets -----------------------------------------------------------------------------------------------

SECRET_KEY = env.text("SECRET_KEY")
if SECRET_KEY in env.KNOWN_SECRETS or len(SECRET_KEY) < 50 or len(set(SECRET_KEY)) < 5:
    raise ImproperlyConfigured("SECRET_KEY must be set to at least 50 random characters.")
CAMPUSHUB_ENCRYPTION_KEYS = env.key_ring("ENCRYPTION_KEYS")
CAMPUSHUB_BLIND_INDEX_KEY = env.key("BLIND_INDEX_KEY")
CAMPUSHUB_AUDIT_SEAL_KEY = env.key("AUDIT_SEAL_KEY")
# The base class of our encrypted fields insists on one; ours never use it.
FIELD_ENCRYPTION_KEY = Fernet.generate_key()

# --- Time --------------------------------------------------------------------------------------------------

USE_TZ = True
TIME_ZONE = "UTC"  # every date and wall-clock time is computed in the school's own zone
CLOCK_SHIFT_SECONDS = env.number("CLOCK_SHIFT_SECONDS", 0)
if PRODUCTION and CLOCK_SHIFT_SECONDS:
    raise ImproperlyConfigured("CLOCK_SHIFT_SECONDS moves the clock and is refused in production.")

# --- Addresses ---------------------------------------------------------------------------------------------

PUBLIC_URL = env.text("PUBLIC_URL", "http://127.0.0.1:8000" if not PRODUCTION else "").rstrip("/")
if urlsplit(PUBLIC_URL).scheme not in {"http", "https"}:
    raise ImproperlyConfigured(
        "PUBLIC_URL must be the address people use, such as https://campus.example.edu."
    )
LIVE_URL = env.text("LIVE_URL", PUBLIC_URL).rstrip("/")
ALLOWED_HOSTS = env.words("ALLOWED_HOSTS", urlsplit(PUBLIC_URL).hostname or "")
CSRF_TRUSTED_ORIGINS = env.words("CSRF_TRUSTED_ORIGINS", PUBLIC_URL)
SECURE = urlsplit(PUBLIC_URL).scheme == "https"
if PRODUCTION and not SECURE:
    raise ImproperlyConfigured("PUBLIC_URL must begin with https:// in production.")

# --- Applications ------------------------------------------------------------------------------------------

INSTALLED_APPS = [
    "core",
    "audit",
    "accounts",
    "notifications",
    "academics",
    "attendance",
    "events",
    "registrations",
    "certificates",
    "analytics",
    "campushub.admin_site.CampusAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "rest_framework",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "drf_standardized_errors",
    "encrypted_model_fields",
    "axes",
    "csp",
    "django_htmx",
]

MIDDLEWARE = [
    "core.middleware.RequestContextMiddleware",
    "core.middleware.FaultMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "core.csp.PolicyMiddleware",
    "django_permissions_policy.PermissionsPolicyMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "core.middleware.LanguageMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "accounts.middleware.PersonMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "campushub.urls"
WSGI_APPLICATION = "campushub.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "accounts.context.page",
                "notifications.context.bell",
            ],
        },
    },
]

# --- Database ----------------------------------------------------------------------------------------------

_app_url = env.text("DATABASE_URL")
_owner_url = env.text("DATABASE_OWNER_URL") or _app_url
if not _app_url:
    raise ImproperlyConfigured(
        "DATABASE_URL is not set. bin/run and bin/manage start a database of their own."
    )
_app_database = env.database(_app_url, name="DATABASE_URL")
OWNER_DATABASE = env.database(_owner_url, name="DATABASE_OWNER_URL")
#: The role that owns nothing; migrations grant it its rights.
DATABASE_APP_ROLE: str = _app_database["USER"]
DATABASE_APP_PASSWORD: str = _app_database["PASSWORD"]
DATABASES = {"default": OWNER_DATABASE if env.text("CAMPUSHUB_DB_ROLE") == "owner" else _app_database}
# Two test runs on one server keep out of each other's way by name.
DATABASES["default"]["TEST"] = {"NAME": env.text("TEST_DATABASE_NAME") or None}

# --- Redis / Valkey: only for what may be lost ----------------------------------------------------------------

REDIS_URL = env.text("REDIS_URL")
if not REDIS_URL:
    raise ImproperlyConfigured("REDIS_URL is not set. bin/run and bin/manage start a server of their own.")

# --- People ------------------------------------------------------------------------------------------------

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "accounts.backends.CampusBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
AUTH_PASSWORD_VALIDATORS[1]["OPTIONS"] = {"min_length": 10}  # type: ignore[assignment] # options are a mapping
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
LOGIN_URL = "accounts:login"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "accounts:login"

AXES_FAILURE_LIMIT = 10
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
# Trying again while locked out does not make it longer: else impatience would never end it.
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_USERNAME_CALLABLE = "accounts.backends.attempted_name"
AXES_CLIENT_IP_CALLABLE = "accounts.backends.client_address"
AXES_LOCKOUT_CALLABLE = "accounts.backends.keep_response"
AXES_DISABLE_ACCESS_LOG = True  # the audit trail knows who signed in
AXES_ENABLE_ADMIN = False
AXES_VERBOSE = False
AXES_IPWARE_PROXY_COUNT = env.number("TRUSTED_PROXIES", 0)
TRUSTED_PROXIES = AXES_IPWARE_PROXY_COUNT

# --- Languages ---------------------------------------------------------------------------------------------

LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("hi", _("Hindi")), ("te", _("Telugu"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True

# --- Files -------------------------------------------------------------------------------------------------

VAR_DIR = Path(env.text("VAR_DIR") or BASE_DIR / "var")
STATIC_URL = "static/"
STATIC_ROOT = VAR_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATICFILES_FINDERS = [
    "django.contrib.staticfiles.finders.FileSystemFinder",
    "django.contrib.staticfiles.finders.AppDirectoriesFinder",
    "core.staticfiles.VendorFinder",
]
WHITENOISE_SKIP_COMPRESS_EXTENSIONS = ("map", "png", "woff2", "ico", "jpg", "jpeg", "gz", "br", "zip", "woff")
MEDIA_ROOT = VAR_DIR / "media"
MEDIA_URL = "media/"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "core.staticfiles.HashedStorage"
        if ENVIRONMENT != "test"
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024
FILE_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024

# --- Mail --------------------------------------------------------------------------------------------------

DEFAULT_FROM_EMAIL = env.text("DEFAULT_FROM_EMAIL", f"campushub@{urlsplit(PUBLIC_URL).hostname}")
_mail = urlsplit(env.text("EMAIL_URL"))
_mail_ports = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}
if _mail.scheme in _mail_ports:
    EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    EMAIL_HOST = _mail.hostname or "localhost"
    EMAIL_USE_TLS = _mail.scheme == "smtp+starttls"
    EMAIL_USE_SSL = _mail.scheme == "smtps"
    EMAIL_PORT = _mail.port or _mail_ports[_mail.scheme]
    EMAIL_HOST_USER = unquote(_mail.username or "")
    EMAIL_HOST_PASSWORD = unquote(_mail.password or "")
elif _mail.scheme:
    raise ImproperlyConfigured(
        "EMAIL_URL must look like smtps://user:password@host:port (or smtp+starttls://, smtp://)."
    )
else:
    EMAIL_BACKEND = "core.mail.FolderBackend"
    EMAIL_FILE_PATH = str(VAR_DIR / "mail")
# Seconds for each step of talking to the server: see notifications.services.leases.LEASE.
EMAIL_TIMEOUT = 20

# --- Webhooks ----------------------------------------------------------------------------------------------

# Schools choose the addresses: what only this machine can reach must not be among them.
WEBHOOKS_TO_PRIVATE_NETWORKS = env.text("WEBHOOKS_TO_PRIVATE_NETWORKS") == "1"

# --- Protection --------------------------------------------------------------------------------------------

SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE
SESSION_COOKIE_NAME = "campushub_session"
SESSION_COOKIE_AGE = 14 * 24 * 3600
# Browsers keep cookies per host, not per port: two checkouts on one machine must not sign each other out.
if not PRODUCTION and urlsplit(PUBLIC_URL).port:
    SESSION_COOKIE_NAME += f"_{urlsplit(PUBLIC_URL).port}"
CSRF_COOKIE_HTTPONLY = True
SECURE_SSL_REDIRECT = SECURE and PRODUCTION
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$", r"^metrics$"]
# Many readers know no TLS. What they send over plain HTTP, their key included, can be read on the way.
READERS_OVER_HTTP = env.text("READERS_OVER_HTTP") == "1"
if READERS_OVER_HTTP:
    SECURE_REDIRECT_EXEMPT += [r"^iclock/", r"^r/[^/]+/iclock/"]
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if SECURE else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE
SECURE_HSTS_PRELOAD = SECURE
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TRUSTED_PROXIES else None
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

_live_origin = "{0.scheme}://{0.netloc}".format(urlsplit(LIVE_URL))
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF, _live_origin],
        "media-src": [SELF],
        "worker-src": [SELF],
        "object-src": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    },
}
PERMISSIONS_POLICY: dict[str, list[str]] = {
    "camera": ["self"],
    "geolocation": ["self"],
    "microphone": [],
    "payment": [],
    "usb": [],
}

# --- API ---------------------------------------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "core.api.authentication.AccessTokenAuthentication",
        "core.api.authentication.BrowserSessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["core.api.renderers.ORJSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["core.api.parsers.StrictJSONParser"],
    "DEFAULT_PAGINATION_CLASS": "core.api.pagination.PageNumberPagination",
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "core.api.negotiation.RememberedNegotiation",
    "DEFAULT_FILTER_BACKENDS": ["core.api.filters.StrictFilterBackend"],
    "DEFAULT_THROTTLE_CLASSES": ["core.api.throttling.ScopedUserThrottle"],
    "DEFAULT_SCHEMA_CLASS": "core.api.openapi.CampusAutoSchema",
    "EXCEPTION_HANDLER": "core.api.exceptions.handle",
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
    # Percentages are numbers.
    "COERCE_DECIMAL_TO_STRING": False,
    # No ?format=: it would be a filter that nobody declared.
    "URL_FORMAT_OVERRIDE": None,
}
#: Networks from which /metrics may be read, beside this machine.
METRICS_NETWORKS = env.words("METRICS_NETWORKS")
CAMPUSHUB_THROTTLE_RATES: dict[str, str] = json.loads(env.text("THROTTLE_RATES") or "{}")

# --- Logs --------------------------------------------------------------------------------------------------

LOG_FORMAT = env.text("LOG_FORMAT", "json" if PRODUCTION else "console")
LOGGING_CONFIG = "core.logging.configure"
LOGGING = {"format": LOG_FORMAT}

SENTRY_DSN = env.text("SENTRY_DSN")
if SENTRY_DSN:
    import sentry_sdk

    sentry_sdk.init(dsn=SENTRY_DSN, send_default_pii=False)
