"""Django's settings, all derived from one `Config`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import dj_database_url
from csp.constants import NONE, SELF

from otumat_index.config import Config, secret_key

CONFIG = Config.from_env(os.environ)
HERE = Path(__file__).parent

SECRET_KEY = secret_key(CONFIG)
DEBUG = False
# Links come from PUBLIC_URL alone and simple pages are relative, so no page depends on the Host header.
ALLOWED_HOSTS = ["*"]
PUBLIC = urlsplit(CONFIG.public_url)
HTTPS = PUBLIC.scheme == "https"

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "axes",
    "csp",
    "django_htmx",
    "otumat_index.web",
    "otumat_index.journal",
    "otumat_index.jobs",
    "otumat_index.accounts",
    "otumat_index.trust",
    "otumat_index.publish",
    "otumat_index.usage",
    "otumat_index.usage.stores",
    "otumat_index.discover",
    "allauth",  # after ours: our templates stand in for its own
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
]
MIDDLEWARE = [
    "otumat_index.web.middleware.TrustedProxies",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "otumat_index.web.middleware.Errors",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "otumat_index.accounts.credentials.TokenUse",
    "allauth.account.middleware.AccountMiddleware",
    "otumat_index.accounts.second_factor.RequireSecondFactor",
    "django_htmx.middleware.HtmxMiddleware",
    "axes.middleware.AxesMiddleware",
]
ROOT_URLCONF = "otumat_index.urls"
WSGI_APPLICATION = "otumat_index.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "otumat_index.web.context.index",
            ],
        },
    }
]


def database(url: str, path: Path, test_name: str) -> dict[str, Any]:
    """One URL, or the embedded SQLite: WAL, durable at every commit, writers queue at BEGIN."""
    if url and not url.startswith("sqlite"):
        return dict(dj_database_url.parse(url, conn_max_age=600, conn_health_checks=True))
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": path,
        "CONN_MAX_AGE": 600,
        "TEST": {"NAME": path.with_name(test_name)},  # a file: several connections must see one database
        "OPTIONS": {
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA secure_delete=ON; "
            "PRAGMA mmap_size=268435456; PRAGMA cache_size=-16000",
        },
    }


DATABASES = {"default": database(CONFIG.database_url, CONFIG.database_path, "test.sqlite3")}
EVENTS_URL = "" if CONFIG.events_url.startswith("clickhouse:") else CONFIG.events_url  # which Django does not open
if EVENTS_URL or not CONFIG.database_url:
    DATABASES["events"] = database(EVENTS_URL, CONFIG.events_path, "test-events.sqlite3")
DATABASE_ROUTERS = ["otumat_index.usage.stores.routing.EventsApart"]
# Rate limits and lock-outs must hold across workers: never local memory.
# Room enough that nobody pushes used codes and counted tries out of it by filling it (300 is Django's default).
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "cache",
        "OPTIONS": {"MAX_ENTRIES": 100_000},
    }
}
SESSION_ENGINE = "django.contrib.sessions.backends.db"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
CSRF_TRUSTED_ORIGINS = [f"{PUBLIC.scheme}://{PUBLIC.netloc}"]
CSRF_FAILURE_VIEW = "otumat_index.web.errors.csrf_failure"
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CONTENT_TYPE_NOSNIFF = True
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:", "https:"],  # pictures in readmes
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "manifest-src": [SELF],
    }
}

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "otumat_index.accounts.hashers.OldSHA1",  # imported; replaced at the first login
]
PASSWORD_RESET_TIMEOUT = 6 * 3600  # seconds
AUTH_PASSWORD_VALIDATORS: list[dict[str, Any]] = [
    {"NAME": "otumat_index.accounts.passwords.Bounded", "OPTIONS": {"least": 10, "most": 1000}},
    {"NAME": "otumat_index.accounts.passwords.NotLikeTheAccount"},
    {"NAME": "otumat_index.accounts.passwords.NotCommon"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "accounts:home"
LOGOUT_REDIRECT_URL = "discover:home"
ACCOUNT_ADAPTER = "otumat_index.accounts.adapter.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"username", "email"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "email*", "password1", "password2"]  # without: a passkey alone
ACCOUNT_FORMS = {
    "login": "otumat_index.accounts.entrance.SignIn",
    "signup": "otumat_index.accounts.entrance.SignUp",
    "reset_password": "otumat_index.accounts.entrance.Reminder",
}
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_CONFIRM_EMAIL_ON_GET = False
ACCOUNT_EMAIL_CONFIRMATION_EXPIRE_DAYS = 2
ACCOUNT_EMAIL_CONFIRMATION_HMAC = False  # random keys in the database, gone once used (D30)
ACCOUNT_LOGIN_ON_EMAIL_CONFIRMATION = True  # in the browser that signed up, and nowhere else
ACCOUNT_CHANGE_EMAIL = True  # one address an account: a new one replaces the old when it is confirmed
ACCOUNT_EMAIL_NOTIFICATIONS = False  # the journal tells of changes (accounts/notices)
ACCOUNT_REAUTHENTICATION_REQUIRED = True
# Of failed logins axes counts those of one login name and address; a limit by name alone would lock its owner out.
ACCOUNT_RATE_LIMITS = {"login_failed": "20/m/ip", "confirm_email": "3/h/key"}
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_PRESERVE_USERNAME_CASING = False
ACCOUNT_USERNAME_MIN_LENGTH = 2
ACCOUNT_USERNAME_BLACKLIST = ["admin", "root", "__token__", "otumat", "cli"]
ACCOUNT_EMAIL_SUBJECT_PREFIX = f"[{CONFIG.index_name}] "
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False
ACCOUNT_SESSION_REMEMBER = True
MFA_ADAPTER = "otumat_index.accounts.adapter.FactorAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_FORMS = {
    "activate_totp": "otumat_index.accounts.factor_forms.ActivateApp",
    "authenticate": "otumat_index.accounts.factor_forms.Authenticate",
    "reauthenticate": "otumat_index.accounts.factor_forms.Reauthenticate",
    "add_webauthn": "otumat_index.accounts.factor_forms.AddPasskey",
    "login_webauthn": "otumat_index.accounts.factor_forms.LoginByPasskey",
    "authenticate_webauthn": "otumat_index.accounts.factor_forms.AuthenticateByPasskey",
    "reauthenticate_webauthn": "otumat_index.accounts.factor_forms.ReauthenticateByPasskey",
}
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_ALLOW_UNVERIFIED_EMAIL = True  # who signs in has a confirmed address; a second one may be on its way
MFA_TOTP_TOLERANCE = 1  # clocks differ: the code before and the one after count; none counts twice
MFA_RECOVERY_CODES_SHOW_ONCE = True
MFA_RECOVERY_CODE_DIGITS = 10
LATER = "thread"
"""How `web.later` runs what nobody waits for: `thread`, or `inline` in tests."""
AXES_FAILURE_LIMIT = 10
AXES_COOLOFF_TIME = 0.25  # hours
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]  # one guesser cannot lock another person out
AXES_RESET_ON_SUCCESS = True
AXES_DISABLE_ACCESS_LOG = True
AXES_CLIENT_IP_CALLABLE = "otumat_index.web.middleware.client_network"
AXES_LOCKOUT_CALLABLE = "otumat_index.web.errors.locked_out"
AXES_VERBOSE = False


def mail(config: Config) -> dict[str, Any]:
    """Mail settings from one URL; empty writes each message to the console and to a file of its own."""
    if not config.mail_url:
        return {"EMAIL_BACKEND": "otumat_index.web.mail.ConsoleAndFolder"}
    url = urlsplit(config.mail_url)
    asked = parse_qs(url.query)
    return {
        "EMAIL_BACKEND": "otumat_index.web.mail.Smtp",
        "EMAIL_HOST": url.hostname or "localhost",
        "EMAIL_PORT": url.port or (465 if url.scheme == "smtps" else 25),
        "EMAIL_HOST_USER": unquote(url.username or ""),
        "EMAIL_HOST_PASSWORD": unquote(url.password or ""),
        "EMAIL_USE_SSL": url.scheme == "smtps",
        "EMAIL_USE_TLS": asked.get("tls") == ["1"],
        "EMAIL_TIMEOUT": 20,
    }


globals().update(mail(CONFIG))
DEFAULT_FROM_EMAIL = SERVER_EMAIL = CONFIG.mail_from

USE_TZ = True
TIME_ZONE = "UTC"
USE_I18N = True
LANGUAGE_CODE = "en"
STATIC_URL = "/static/"
STATIC_ROOT = CONFIG.data / "cache" / "static"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},  # our files go through publish.files
    "staticfiles": {"BACKEND": "otumat_index.web.static.Storage"},
}
WHITENOISE_MAX_AGE = 3600
DATA_UPLOAD_MAX_MEMORY_SIZE = CONFIG.max_description_kb * 1000 * 4 + 2_500_000
DATA_UPLOAD_MAX_NUMBER_FIELDS = 5000
DATA_UPLOAD_MAX_NUMBER_FILES = 20
FILE_UPLOAD_MAX_MEMORY_SIZE = 1_000_000
FILE_UPLOAD_TEMP_DIR = None  # set to data/incoming by `serve`, so that keeping a file is a rename
LOGGING_CONFIG = None  # otumat_index.web.logs sets logging up
SILENCED_SYSTEM_CHECKS: list[str] = []
