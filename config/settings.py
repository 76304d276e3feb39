"""Every setting of the site, read from top to bottom.

What differs between installations comes from the environment. A wrong or missing value stops the
start with a sentence; nothing falls back to something weaker.
"""

import importlib.util
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured
from django.utils.csp import CSP

from config import billing, environment, interface, policy, schedule
from config.embedded import is_embedded, paths
from config.embedded.secrets import development_seal_key, development_secrets
from config.environment import env, flag, hosts, long_secret, one_of, own_directory, required, whole_number
from config.operation.logs import logging_of
from tiergate import MAX_APPROVALS

BASE_DIR = Path(__file__).resolve().parent.parent
EMBEDDED = is_embedded()

# --- What this installation is -------------------------------------------------------------------

# The sample product and the pages that show it off.
TIERGATE_DEMO = flag("TIERGATE_DEMO")
TESTING = flag("TIERGATE_TESTING")
# What this process is for: `decide` answers questions and probes alone, and is given no role but the app's.
PROCESS = one_of("TIERGATE_PROCESS", ("web", "decide", "worker", "beat"), "web")
DEBUG = False

if EMBEDDED:
    TIERGATE_BASE_URL = env.str("TIERGATE_BASE_URL", default="http://localhost:8000")
else:
    TIERGATE_BASE_URL = required(
        "TIERGATE_BASE_URL", "links that people are sent begin with it, https://access.example."
    )
TIERGATE_BASE_URL = environment.origin("TIERGATE_BASE_URL", TIERGATE_BASE_URL)
IS_HTTPS = TIERGATE_BASE_URL.startswith("https://")
if not EMBEDDED and not IS_HTTPS:
    raise ImproperlyConfigured("TIERGATE_BASE_URL must begin with https://: sessions and codes travel to it.")

ALLOWED_HOSTS = [str(urlsplit(TIERGATE_BASE_URL).hostname), *hosts("TIERGATE_ALLOWED_HOSTS")]
if EMBEDDED:
    ALLOWED_HOSTS += ["localhost", "127.0.0.1", "[::1]"]
if TESTING:
    ALLOWED_HOSTS += ["testserver"]

# What an action that minds its environment takes this installation for, where a product runs inside it.
# Unsaid, such an action asks what its strictest environment asks.
TIERGATE_ENVIRONMENT = env.str("TIERGATE_ENVIRONMENT", default="") or None

# How many other people have to agree before somebody changes which rules are in force; a service then may not at all.
POLICY_APPROVALS = whole_number("TIERGATE_POLICY_APPROVALS", 0, most=MAX_APPROVALS)

# How many proxies of ours stand before this server; a client's address is read past exactly so
# many, and is unknown when there are fewer.
TRUSTED_PROXY_COUNT = whole_number("TIERGATE_TRUSTED_PROXIES", 0)

# --- Passkeys ------------------------------------------------------------------------------------

# The name that passkeys are made for (WebAuthn's relying party); with another one all of them are dead.
WEBAUTHN_RP_ID = env.str("TIERGATE_WEBAUTHN_RP_ID", default="") or str(urlsplit(TIERGATE_BASE_URL).hostname)
# Where they may be shown.
_passkey_origins = env.list("TIERGATE_WEBAUTHN_ORIGINS", default=[])
WEBAUTHN_ORIGINS = environment.passkey_origins(
    "TIERGATE_WEBAUTHN_ORIGINS" if _passkey_origins else "TIERGATE_WEBAUTHN_RP_ID",
    _passkey_origins or [TIERGATE_BASE_URL],
    rp_id=WEBAUTHN_RP_ID,
)
# Whose word is taken for it that a key cannot leave its device. Without any no passkey is worth aal3.
ATTESTATION_ROOTS = environment.certificates("TIERGATE_ATTESTATION_ROOTS")

# --- Rules ---------------------------------------------------------------------------------------

# Whose bundles of rules are believed, name=public key (Ed25519, base64), with commas between; without any, bundles
# need no signature.
POLICY_PUBLISHERS = policy.publishers(env.list("TIERGATE_POLICY_PUBLISHERS", default=[]))

# --- Networks ------------------------------------------------------------------------------------

# Where maps of networks lie on this host: in which country an address is, and whose; without any none is known.
_risk_directory = str(paths.risk_directory(paths.database_name())) if EMBEDDED else ""
RISK_DATA = env.str("TIERGATE_RISK_DATA", default="") or _risk_directory

# --- Secrets -------------------------------------------------------------------------------------

_made = development_secrets() if EMBEDDED else None
SECRET_KEY = long_secret("TIERGATE_SECRET_KEY", _made.key if _made else "", least=50, why="it signs cookies.")
if not SECRET_KEY:
    raise ImproperlyConfigured("TIERGATE_SECRET_KEY must be set, to 50 random characters or more: it signs cookies.")
KEY_RING = environment.keyring(
    "TIERGATE_KEYRING", env.str("TIERGATE_KEYRING", default="") or (_made.keyring if _made else "")
)

# Signs the trail's checkpoints (Ed25519). Only workers need it; who verifies needs public keys alone.
_seal_key = env.str("TIERGATE_SEAL_KEY", default=development_seal_key() if EMBEDDED else "")
SEAL_KEY = environment.key_of_32("TIERGATE_SEAL_KEY", _seal_key) if _seal_key else None
# Of keys that signed before, and of the one that signs where that is not at hand.
SEAL_PUBLIC_KEYS = [
    environment.key_of_32("TIERGATE_SEAL_PUBLIC_KEYS", one.strip())
    for one in env.list("TIERGATE_SEAL_PUBLIC_KEYS", default=[])
]
# Where each checkpoint is copied to, out of the database's reach.
_seal_directory = env.str(
    "TIERGATE_SEAL_DIR", default=str(paths.seal_directory(paths.database_name())) if EMBEDDED else ""
)
SEAL_DIR = Path(_seal_directory) if _seal_directory else None
if SEAL_KEY is not None and SEAL_DIR is None:
    raise ImproperlyConfigured(
        "TIERGATE_SEAL_DIR is not set: where the trail is sealed, its checkpoints are copied out of the database."
    )

# --- Billing -------------------------------------------------------------------------------------

STRIPE = billing.read_stripe()

# --- Databases: one, by three roles --------------------------------------------------------------

if EMBEDDED:
    _database_urls = {
        "default": paths.database_url(paths.APP),
        "sweep": paths.database_url(paths.SWEEP),
        "owner": paths.database_url(paths.OWNER),
    }
    REDIS_URL = paths.valkey_url()
    CELERY_BROKER_URL = f"redis+socket://{paths.place().valkey_socket}?virtual_host={paths.valkey_database()}"
else:
    _database_urls = {
        "default": required("DATABASE_URL", "the app's role connects by it; give it together with REDIS_URL."),
        "sweep": env.str("DATABASE_SWEEP_URL", default=""),
        "owner": env.str("DATABASE_OWNER_URL", default=""),
    }
    REDIS_URL = environment.valkey_url(
        "REDIS_URL", required("REDIS_URL", "changes are pushed by it; give it together with DATABASE_URL.")
    )
    CELERY_BROKER_URL = REDIS_URL
    _names = {"default": "DATABASE_URL", "sweep": "DATABASE_SWEEP_URL", "owner": "DATABASE_OWNER_URL"}
    for _alias, _url in _database_urls.items():
        if _url:
            environment.postgres_url(_names[_alias], _url)
    environment.distinct_roles(_database_urls, _names)
# A streaming replica, by the app's role; what snapshots are made from is read there where it is proven new enough.
_replica_url = "" if EMBEDDED else env.str("DATABASE_REPLICA_URL", default="")
if _replica_url:
    environment.same_role("DATABASE_REPLICA_URL", _replica_url, _database_urls["default"])
if PROCESS in {"decide", "beat"}:
    # Whoever takes over the process that hears strangers most finds no role there that sees other tenants' rows.
    _database_urls = {"default": _database_urls["default"]}
if _replica_url:
    _database_urls["replica"] = _replica_url
POOL_SIZE = whole_number("TIERGATE_POOL_SIZE", 8, least=1)
# Seconds that a request waits for the database before it says that it does not know.
DATABASE_PATIENCE = whole_number("TIERGATE_DATABASE_PATIENCE", 1 if PROCESS == "decide" else 5, least=1)


def database(alias: str, url: str) -> dict[str, Any]:
    """Describe one alias; the app's connections are pooled, the others are rare."""
    found: dict[str, Any] = dict(environ.Env.db_url_config(url))
    options = found.setdefault("OPTIONS", {})
    # For `isolation.statement`, which binds in the server; Django's own cursors bind in the client.
    options["prepare_threshold"] = 5
    if alias in {"default", "replica"} and not TESTING:
        # A pool needs CONN_MAX_AGE 0: it keeps the connections, Django must not.
        # Who waits for a copy could have asked the original.
        patience = 1 if alias == "replica" else DATABASE_PATIENCE
        options["pool"] = {"min_size": 1, "max_size": POOL_SIZE, "timeout": patience}
        options["patience"] = patience
    return {**found, "ENGINE": "isolation.postgresql", "CONN_MAX_AGE": 0, "ATOMIC_REQUESTS": False}


# A role whose URL is not given is a database that does not exist here: a web process need not
# know the owner's password.
DATABASES = {alias: database(alias, url) for alias, url in _database_urls.items() if url}
DATABASE_ROUTERS = ["config.routers.OneDatabaseThreeRoles"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Channels are shared by all databases of a Valkey, so that names begin with this.
VALKEY_PREFIX = env.str("TIERGATE_VALKEY_PREFIX", default="tiergate")

# --- Rooms ---------------------------------------------------------------------------------------

INSTALLED_APPS = [
    "config",  # before Django's own: its `migrate` runs as the owner
    "console",  # before audit and riskengine: its `audit` and `risk` show, export and erase people too
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.staticfiles",
    "django_otp",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "isolation",
    "audit",
    "licensing",
    "riskengine",
    "authlevels",
    "billing",
    "decisions",
]
if TIERGATE_DEMO or TESTING:
    INSTALLED_APPS.append("sample")
# A development tool: an installation that serves does not have it.
if importlib.util.find_spec("django_migration_linter"):
    INSTALLED_APPS.append("django_migration_linter")

MIDDLEWARE = [
    "config.operation.middleware.Probes",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "config.operation.middleware.Observed",
    "authlevels.replaying.Replays",
    "django.middleware.csp.ContentSecurityPolicyMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "authlevels.middleware.PrincipalMiddleware",
    "decisions.suspending.SuspendsRefused",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
AUTH_USER_MODEL = "authlevels.User"
# Sessions are our own (authlevels): a session's level is computed from its proofs, which Django's
# has no room for. So neither its session nor its authentication middleware is installed.
SILENCED_SYSTEM_CHECKS = [
    "admin.E408",  # AuthenticationMiddleware: PrincipalMiddleware sets request.user
    "admin.E410",  # SessionMiddleware: as above
    "security.W008",  # SSL redirect is the proxy's
    "security.W021",  # preloading HSTS is the domain owner's decision
]
MESSAGE_STORAGE = "django.contrib.messages.storage.cookie.CookieStorage"
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.ScryptPasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    # NIST SP 800-63B-4 §3.1.1.2: 15 characters where a password is the only factor.
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 15}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.csp",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# --- What a browser is told ----------------------------------------------------------------------

SECURE_CSP = {
    "default-src": [CSP.NONE],
    "script-src": [CSP.SELF, CSP.NONCE],
    "style-src": [CSP.SELF, CSP.NONCE],
    "img-src": [CSP.SELF, "data:"],
    "font-src": [CSP.SELF],
    "connect-src": [CSP.SELF],
    "form-action": [CSP.SELF],
    "base-uri": [CSP.NONE],
    "frame-ancestors": [CSP.NONE],
}
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SECURE_HSTS_SECONDS = 31536000 if IS_HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = IS_HTTPS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TRUSTED_PROXY_COUNT else None
X_FRAME_OPTIONS = "DENY"
CSRF_COOKIE_SECURE = IS_HTTPS
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_TRUSTED_ORIGINS = [TIERGATE_BASE_URL]
SESSION_COOKIE_SECURE = IS_HTTPS  # read by authlevels for its own cookie
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
# A draft is one form of some ten fields a feature, and what asks for a token against forgery counts them before any view:
# enough for a thousand features. How long reading takes is bounded by the bytes above.
DATA_UPLOAD_MAX_NUMBER_FIELDS = 10_000

STATIC_URL = "static/"
# Collected for production; the embedded set-up serves the files where they lie.
STATIC_ROOT = None if EMBEDDED else BASE_DIR / "staticfiles"
WHITENOISE_USE_FINDERS = EMBEDDED
WHITENOISE_AUTOREFRESH = False
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if EMBEDDED
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}

USE_TZ = True
TIME_ZONE = "UTC"
USE_I18N = True
LANGUAGE_CODE = "en"

# --- The API -------------------------------------------------------------------------------------

REST_FRAMEWORK = interface.REST_FRAMEWORK
SPECTACULAR_SETTINGS = interface.SPECTACULAR_SETTINGS
MIGRATION_LINTER_OPTIONS = {
    "database": "owner",
    "no_cache": True,
    # The first migrations of the rooms make tables that nobody uses yet: what would lock a table in use, or break the
    # code before it, is harmless there. This one is their second part; the columns it drops, it drops backwards.
    "ignore_initial_migrations": True,
    # The trail's two put a table in the place of another behind a lock, with every column that the code before writes
    # and reads, and make one that is new.
    # So does what a factor's life is kept in: its constraints and indexes are on tables that it makes itself.
    # Who agreed is a table of as many rows as there were agreements: its two indexes are made anew in a moment.
    # Notices are kept for a month, and none of those has what its new index is over.
    "ignore_name": [
        "0002_integrity",
        "0002_partitions_and_seals",
        "0003_person",
        "0016_factor_life",
        "0022_agreed_by_whom",
        "0027_told_once",
    ],
}

# --- Risk ----------------------------------------------------------------------------------------

# Days after which a signal's address is dropped, so that its network alone stays; and after which the signal goes itself.
RISK_RETENTION_DAYS = whole_number("TIERGATE_RISK_RETENTION_DAYS", 30, least=1)
RISK_SIGNAL_DAYS = whole_number("TIERGATE_RISK_SIGNAL_DAYS", 180, least=31)

# --- Tasks ---------------------------------------------------------------------------------------

CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {"global_keyprefix": f"{VALKEY_PREFIX}:celery:"}
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULE = schedule.BEAT

# --- Mail ----------------------------------------------------------------------------------------

# Notices to people about their factors. Unsaid, they wait in the database, but where nobody would send them: there the
# worker prints them.
_mail_url = env.str("TIERGATE_EMAIL_URL", default="consolemail://" if EMBEDDED else "")
MAIL_IS_CONFIGURED = bool(_mail_url)
MAILERS = environment.mailers("TIERGATE_EMAIL_URL", _mail_url)
DEFAULT_FROM_EMAIL = env.str("TIERGATE_EMAIL_FROM", default=f"tiergate@{urlsplit(TIERGATE_BASE_URL).hostname}")

# --- Figures -------------------------------------------------------------------------------------

METRICS_TOKEN = long_secret("TIERGATE_METRICS_TOKEN", "", least=32, why="whoever knows it reads /metrics.")
# A worker's own page, with its probes beside it; what serves requests answers them where it serves.
METRICS_PORT = whole_number("TIERGATE_METRICS_PORT", 0)
METRICS_HOST = env.str("TIERGATE_HOST", default="") or "127.0.0.1"
# Where the processes of one server write their figures for each other; prometheus-client reads it by itself.
METRICS_DIRECTORY = own_directory("PROMETHEUS_MULTIPROC_DIR")

# --- Traces --------------------------------------------------------------------------------------

# Off unless asked for. Where they go, and how many, OpenTelemetry reads from its own variables.
TRACING = flag("TIERGATE_OTEL") or bool(env.str("OTEL_EXPORTER_OTLP_ENDPOINT", default=""))

# --- Logs ----------------------------------------------------------------------------------------

LOG_FORMAT = one_of("TIERGATE_LOG_FORMAT", ("console", "json"), "console" if EMBEDDED else "json")
LOG_LEVEL = one_of("TIERGATE_LOG_LEVEL", ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"), "INFO")
LOGGING = logging_of(LOG_FORMAT, level=LOG_LEVEL)
