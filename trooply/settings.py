"""All settings, from the environment only; a variable that is missing or wrong stops the start and is named.

`make up` writes the variables of a development install to `var/env`; they are read here, and real variables win.
`docs/configuration.md` explains each variable.
"""

from datetime import timedelta
from pathlib import Path
from typing import Any

import environ
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from django.templatetags.static import static
from django.urls import reverse_lazy

BASE_DIR = Path(__file__).resolve().parent.parent

env = environ.Env()
environ.Env.read_env(env.path("ENV_FILE", default=str(BASE_DIR / "var/env"))())


def flag(name: str, *, default: bool) -> bool:
    """Return a variable that is true or false; a slip such as `ture` must not switch a protection off."""
    text = str(env.str(name, default=str(default)))
    if text.lower() in ("true", "yes", "on", "1"):
        return True
    if text.lower() in ("false", "no", "off", "0"):
        return False
    raise ImproperlyConfigured(f"{name} is {text!r}; say true or false.")


def number(name: str, *, default: int) -> int:
    """Return a variable that is a count of something."""
    text = str(env.str(name, default=str(default)))
    if not text.isdecimal():
        raise ImproperlyConfigured(f"{name} is {text!r}; say a whole number such as {default}.")
    return int(text)


def every(interval: timedelta, task: str) -> dict[str, Any]:
    """Return an entry of the beat schedule; a message expires when the next one comes, so that none pile up."""
    return {"task": task, "schedule": interval, "options": {"expires": interval.total_seconds()}}


DEBUG = flag("DEBUG", default=False)
SECRET_KEY = env.str("SECRET_KEY")
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS")
BASE_URL = env.str("BASE_URL", default="http://127.0.0.1:8000").rstrip("/")
INSECURE_HTTP = flag("INSECURE_HTTP", default=False)
VAR_DIR = Path(env.str("VAR_DIR", default=str(BASE_DIR / "var")))

INSTALLED_APPS = [
    "unfold.apps.BasicAppConfig",
    "unfold.contrib.filters",
    "trooply.apps.StaffAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "trooply.apps.ServedStaticFilesConfig",
    "django.contrib.humanize",
    "django.contrib.postgres",
    "django_otp",
    "django_otp.plugins.otp_totp",
    "django_otp.plugins.otp_static",
    "django_htmx",
    "csp",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "trooply",
    "accounts",
    "billing",
    "catalog",
    "analytics",
    "merchandising",
    "search",
    "widget",
]

MIDDLEWARE = [
    "trooply.request_log.RequestLogMiddleware",
    "trooply.body_limit.BodyLimitMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.gzip.GZipMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django_otp.middleware.OTPMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]

ROOT_URLCONF = "trooply.urls"
WSGI_APPLICATION = "trooply.wsgi.application"
APPEND_SLASH = False

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "trooply.navigation.navigation",
            ],
        },
    },
]

# --- PostgreSQL ---------------------------------------------------------------------------------------------------

# Without these pgvector stops after `ef_search` (40) candidates, and a filtered page comes back short.
VECTOR_OPTIONS = {"hnsw.iterative_scan": "strict_order", "hnsw.ef_search": "200"}

DATABASES = {"default": env.db_url("DATABASE_URL")}
DATABASES["default"].update(
    ENGINE="django.db.backends.postgresql",
    CONN_HEALTH_CHECKS=True,
    OPTIONS={
        **DATABASES["default"].get("OPTIONS", {}),
        "options": " ".join(f"-c {name}={value}" for name, value in VECTOR_OPTIONS.items()),
        "pool": {"min_size": 1, "max_size": number("DATABASE_POOL_SIZE", default=8), "timeout": 10},
    },
)
# Of web processes alone, see trooply/wsgi.py.
STATEMENT_TIMEOUT_SECONDS = number("STATEMENT_TIMEOUT_SECONDS", default=30)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- Redis and Celery ---------------------------------------------------------------------------------------------

REDIS_URL = env.str("REDIS_URL")
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "trooply",
        "OPTIONS": {"socket_timeout": 2, "socket_connect_timeout": 2},
    }
}

CELERY_BROKER_URL = env.str("CELERY_BROKER_URL", default=REDIS_URL.replace("unix://", "redis+socket://", 1))
# Celery redelivers the task of a killed worker after the visibility timeout; kombu looks every 5 s. Every task that is
# acknowledged late must therefore end within it, see the time limit below.
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 40,
    "unacked_restore_interval": 5,
    "unacked_restore_throttle": 1,
}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_TIME_LIMIT = 30
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_DEFAULT_QUEUE = "housekeeping"
CELERY_TASK_ROUTES = {
    "catalog.tasks.index_items": {"queue": "indexing"},
    "accounts.tasks.deliver_webhooks": {"queue": "webhooks"},
    # Where an encoder is loaded already.
    "catalog.tasks.calibrate_relevance": {"queue": "indexing"},
}
CELERY_BEAT_SCHEDULE = {
    "deliver webhooks": every(timedelta(seconds=5), "accounts.tasks.deliver_webhooks"),
    "resume jobs": every(timedelta(seconds=10), "catalog.tasks.resume_jobs"),
    "resume revalidations": every(timedelta(minutes=1), "catalog.tasks.resume_revalidations"),
    "recheck images": every(timedelta(minutes=1), "catalog.tasks.recheck_images"),
    "build vector indexes": every(timedelta(minutes=1), "catalog.tasks.build_vector_indexes"),
    "calibrate relevance": every(timedelta(minutes=1), "catalog.tasks.calibrate_relevance"),
    "translate products": every(timedelta(minutes=1), "catalog.tasks.translate_changed_products"),
    "flush search events": every(timedelta(seconds=5), "analytics.tasks.flush_search_events"),
    "flush moderation scans": every(timedelta(seconds=5), "catalog.tasks.flush_moderation_scans"),
    "update popularity": every(timedelta(minutes=10), "analytics.tasks.update_popularity"),
    "prune": every(timedelta(hours=1), "trooply.tasks.prune"),
}
CELERY_TIMEZONE = "UTC"

# --- Pictures, encoder, search ------------------------------------------------------------------------------------

ENCODER = env.str("ENCODER", default="scout-2")
ENCODER_DIR = Path(env.str("ENCODER_DIR", default=str(BASE_DIR / "catalog/encoders")))
ENCODER_THREADS = number("ENCODER_THREADS", default=2)
NUDITY_DETECTOR = flag("NUDITY_DETECTOR", default=True)
LANGUAGE_MODEL_URL = env.str("LANGUAGE_MODEL_URL", default="")
LANGUAGE_MODEL_KEY = env.str("LANGUAGE_MODEL_KEY", default="")
LANGUAGE_MODEL_NAME = env.str("LANGUAGE_MODEL_NAME", default="")
TRANSLATOR_URL = env.str("TRANSLATOR_URL", default="")
TRANSLATOR_KEY = env.str("TRANSLATOR_KEY", default="")
TRANSLATOR_KIND = env.str("TRANSLATOR_KIND", default="")
if TRANSLATOR_KIND not in ("", "libretranslate", "openai"):
    raise ImproperlyConfigured(f"TRANSLATOR_KIND is {TRANSLATOR_KIND!r}; say libretranslate or openai.")
TRANSLATOR_MODEL = env.str("TRANSLATOR_MODEL", default="")
TRANSCRIBER_URL = env.str("TRANSCRIBER_URL", default="")
TRANSCRIBER_KEY = env.str("TRANSCRIBER_KEY", default="")
TRANSCRIBER_MODEL = env.str("TRANSCRIBER_MODEL", default="whisper-1")
EXACT_SEARCH_ROWS = number("EXACT_SEARCH_ROWS", default=5_000)
FETCH_ALLOWED_HOSTS = env.list("FETCH_ALLOWED_HOSTS", default=[])
FETCH_CONNECTIONS_PER_HOST = number("FETCH_CONNECTIONS_PER_HOST", default=8)
# Hours after which a picture is looked for again at its address, to see whether it is another; 0 switches this off.
IMAGE_RECHECK_HOURS = number("IMAGE_RECHECK_HOURS", default=168)

MEDIA_ROOT = VAR_DIR / "media"
MEDIA_URL = "/media/"
S3_BUCKET = env.str("S3_BUCKET", default="")
STORAGES: dict[str, dict[str, Any]] = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
# What only its owner may read, such as exports, and only through us.
PRIVATE_ROOT = VAR_DIR / "private"
STORAGES["private"] = {
    "BACKEND": "django.core.files.storage.FileSystemStorage",
    "OPTIONS": {"location": PRIVATE_ROOT, "base_url": None},
}
S3_OPTIONS: dict[str, Any] = {
    "bucket_name": S3_BUCKET,
    "endpoint_url": env.str("S3_ENDPOINT_URL", default=None),
    "region_name": env.str("S3_REGION", default=None),
    "custom_domain": env.str("S3_PUBLIC_DOMAIN", default=None),
    "addressing_style": env.str("S3_ADDRESSING_STYLE", default="auto"),
    "signature_version": "s3v4",
    "file_overwrite": True,
    "object_parameters": {"CacheControl": "public, max-age=31536000, immutable"},
}
if S3_BUCKET:
    STORAGES["default"] = {
        "BACKEND": "storages.backends.s3.S3Storage",
        "OPTIONS": S3_OPTIONS,
    }
    STORAGES["private"] = {
        "BACKEND": "storages.backends.s3.S3Storage",
        "OPTIONS": S3_OPTIONS | {"location": "private", "custom_domain": None, "object_parameters": {}},
    }

STATIC_URL = "/static/"
STATIC_ROOT = VAR_DIR / "static"

# Pictures come as base64 inside JSON too: 15 MB of picture are 20 MB of text.
MAX_BODY_BYTES = DATA_UPLOAD_MAX_MEMORY_SIZE = 32 * 1024 * 1024
FILE_UPLOAD_MAX_MEMORY_SIZE = 16 * 1024 * 1024
# Feeds are read line by line from a temporary file, so they may be larger.
MAX_FEED_BYTES = number("MAX_FEED_BYTES", default=1024**3)

# --- Who is there -------------------------------------------------------------------------------------------------

AUTH_USER_MODEL = "accounts.User"
# Emails are unique without regard to case, by a constraint on lower(email) that this check does not look for.
SILENCED_SYSTEM_CHECKS = ["auth.E003"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 8}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = reverse_lazy("sign-in")
LOGIN_REDIRECT_URL = reverse_lazy("overview")
LOGOUT_REDIRECT_URL = reverse_lazy("sign-in")
STAFF_REQUIRE_2FA = flag("STAFF_REQUIRE_2FA", default=not INSECURE_HTTP)
OTP_TOTP_ISSUER = "Trooply"

SIMPLE_JWT = {"ACCESS_TOKEN_LIFETIME": timedelta(hours=1), "ALGORITHM": "HS256", "UPDATE_LAST_LOGIN": False}

SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = not INSECURE_HTTP
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SECURE_HSTS_SECONDS = 0 if INSECURE_HTTP else 31_536_000
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = not INSECURE_HTTP
# A load balancer, a container's own health check and Prometheus speak plain HTTP to the process.
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$", r"^metrics$"]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if flag("BEHIND_TLS_PROXY", default=False) else None
CSRF_TRUSTED_ORIGINS = [BASE_URL]
X_FRAME_OPTIONS = "DENY"

UNFOLD = {
    "SITE_TITLE": "Trooply staff",
    "SITE_HEADER": "Trooply",
    "SITE_SYMBOL": "image_search",
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": lambda request: static("trooply/favicon.svg")}],
    "COLORS": {
        "primary": {
            "50": "#edf8f3",
            "100": "#d3efe2",
            "200": "#a9dfc8",
            "300": "#76c9a8",
            "400": "#41ab85",
            "500": "#1b9068",
            "600": "#08784f",
            "700": "#076142",
            "800": "#084d36",
            "900": "#073f2d",
            "950": "#03241a",
        }
    },
    "SHOW_VIEW_ON_SITE": False,
}

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:", "blob:", *env.list("CSP_IMG_SRC", default=[])],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "manifest-src": [SELF],
    }
}

# --- Mail ---------------------------------------------------------------------------------------------------------

EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
EMAIL_FILE_PATH = VAR_DIR / "mail"
# Seconds for each answer of a mail server; a task has half a minute in all.
EMAIL_TIMEOUT = 10
if email_url := env.str("EMAIL_URL", default=""):
    vars().update(env.email_url_config(email_url))
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="Trooply <trooply@localhost>")

# --- REST API -----------------------------------------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["accounts.authentication.CredentialAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["accounts.authorization.HasPermission"],
    "DEFAULT_PAGINATION_CLASS": "trooply.pagination.NewestFirst",
    "DEFAULT_SCHEMA_CLASS": "trooply.openapi.OperationSchema",
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    # `?format=` is what a feed is written in; what an answer is written in, the Accept header says.
    "URL_FORMAT_OVERRIDE": None,
    "DEFAULT_PARSER_CLASSES": ["accounts.parsers.StrictJSONParser"],
    "EXCEPTION_HANDLER": "trooply.api_errors.handle_exception",
    "UNAUTHENTICATED_USER": None,
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Trooply",
    "DESCRIPTION": "Visual product search: send products, find them by picture, by words or by both.",
    "VERSION": "0.1.0",
    "OAS_VERSION": "3.1.0",
    "SERVERS": [{"url": BASE_URL}],
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "SCHEMA_PATH_PREFIX": "/v1",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_NAME_OVERRIDES": {
        "WebhookState": "accounts.models.WebhookEndpoint.State",
        "DeliveryStatus": "accounts.models.WebhookDelivery.Status",
        "RedeliveryStatus": "accounts.webhooks.serializers.RANGE_STATUSES",
        "ProductStatus": "catalog.models.Product.Status",
        "JobStatus": "catalog.models.Job.Status",
        "JobKind": "catalog.models.Job.Kind",
        "RuleType": "merchandising.models.MerchandisingRule.Type",
        "ScopeType": "merchandising.scopes.ScopeType",
        "SynonymType": "merchandising.models.SynonymSet.Type",
        "BannerPosition": "merchandising.models.PromoBanner.Position",
        "FeedbackAction": "analytics.models.FeedbackEvent.Action",
        "SearchSurface": "analytics.models.SearchEvent.Surface",
        "CustomFieldType": "catalog.models.CustomField.Type",
        "SearchMode": "search.modes.MODES",
        "ExperimentStatus": "search.models.Experiment.Status",
        "ExperimentVariant": "search.models.Experiment.Variant",
        "EmbeddingStatus": "catalog.catalog_products.EMBEDDING_STATUSES",
        "Match": "catalog.vision.relevance.MATCHES",
    },
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "trooply.openapi.add_problem",
    ],
}

# --- Language, logs -----------------------------------------------------------------------------------------------

LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = False

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"request_id": {"()": "trooply.request_log.RequestIdFilter"}},
    "formatters": {
        "json": {
            "()": "pythonjsonlogger.json.JsonFormatter",
            "fmt": "%(asctime)s %(levelname)s %(name)s %(request_id)s %(message)s",
            "rename_fields": {"asctime": "time", "levelname": "level", "name": "logger"},
        },
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json", "filters": ["request_id"]}},
    "root": {"handlers": ["stderr"], "level": env.str("LOG_LEVEL", default="INFO")},
    # Our own line for each request says what its warnings would say.
    "loggers": {"django.request": {"level": "ERROR"}},
}
