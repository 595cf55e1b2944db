"""What each variable of the environment is for, as docs/reference/environment.md says it; a test holds the names against the code."""

from __future__ import annotations

# By group, in the order of the page. A secret may also stand in the file that NAME_FILE names.
GROUPS: dict[str, dict[str, str]] = {
    "Where things are": {
        "LUNGRATER_HOME": "folder of everything LungRater writes",
        "DATABASE_URL": "PostgreSQL of your own; else the embedded one is started",
        "DATABASE_OWNER_URL": "the same database as its tables' owner: for `migrate` and `restore` alone",
        "DATABASE_POOLED": "the database is reached through PgBouncer in transaction mode: deadlines are then not sent with each connection",
        "REDIS_URL": "broker of your own; else the embedded one is started",
        "STORAGE_URL": "images: a folder, or `s3://bucket/folder?endpoint=…`",
        "TORCHRUN": "flags for torchrun, where several processes or machines train together; empty: `--standalone`",
        "EXTRACTOR": "network whose features FD and KD are of: `PATH.toml` of a recipe, or `PATH` or `PATH#SHA256` of a TorchScript file; empty: the small one that ships",
        "RADIOMICS_PYTHON": "the Python of an environment with frd-score 1.0.1, for FRD in quality reports; empty: it is not offered",
    },
    "Safety": {
        "LUNGRATER_PRODUCTION": "`1` on a server: secure cookies, HTTPS, HSTS, no default secret",
        "SECRET_KEY": "signs sessions and keys the hashes of patients; else the home's own",
        "ALLOWED_HOSTS": "names under which the site is reached, with commas",
        "TRUSTED_PROXY_COUNT": "how many proxies of your own add to X-Forwarded-For",
        "SECURE_SSL_REDIRECT": "in production: send plain HTTP on to HTTPS",
        "HSTS_WHOLE_DOMAIN": "in production: HSTS for subdomains and preload as well",
        "STAFF_IDLE_MINUTES": "researchers and admins are signed out after so long without a request",
        "STAFF_SESSION_HOURS": "and after so long in any case",
        "UPLOAD_MOST_GB": "the largest file that is sent in pieces, in GB",
        "UPLOAD_MOST_GB_PERSON": "all of a person's files that are not imported yet, in GB",
        "UPLOAD_DAYS": "files that nobody goes on with or imports are deleted after so many days",
        "HELD_FILE_DAYS": "what nobody decides of leaves the release desk after so many days; 0: never",
        "IMPORT_FROM_PRIVATE_NETWORKS": "an import may fetch from addresses of your own network",
        "DEBUG": "Django's pages for developers; never on a server",
    },
    "Releases": {
        "C2PA_CERTIFICATE": "PEM file of the certificate, with its chain, that signs C2PA manifests of released images; empty: a test one, which nobody trusts",
        "C2PA_PRIVATE_KEY": "PEM file of its key",
        "C2PA_ALGORITHM": "the kind of that key: es256, es384, es512, ps256, ps384, ps512 or ed25519",
    },
    "People": {
        "EMAIL_URL": "mail server, like `smtp+tls://user:password@host:587`; without one nothing is sent",
        "DEFAULT_FROM_EMAIL": "who the mails are from",
        "OIDC_URL": "your house's identity provider (OpenID Connect); empty: none",
        "OIDC_NAME": "what the sign-in page calls it",
        "OIDC_CLIENT_ID": "where OIDC_URL is set",
        "OIDC_CLIENT_SECRET": "where OIDC_URL is set",
        "OIDC_ROLE_CLAIM": "the claim that holds a person's groups",
        "OIDC_RESEARCHERS": "groups whose members are researchers",
        "OIDC_ADMINS": "groups whose members are admins",
        "OIDC_ADDRESSES_CONFIRMED": "the provider confirms addresses, though it does not say so",
    },
    "Programs and money": {
        "API_RATE": "how often one token may ask, COUNT/PERIOD with s, m, h or d",
        "OPENAI_API_KEY": "of the Images API; only the worker that asks it needs it",
        "OPENAI_BASE_URL": "any server that speaks the Images API",
        "OPENAI_IMAGES_PER_MINUTE": "requests a minute with one key, over all workers; 0 leaves it to the server",
    },
    "Backups": {
        "BACKUP_URL": "folder or `s3://…` of the nightly backup; empty: none",
        "BACKUP_HOUR": "at which hour, UTC",
        "BACKUP_KEEP": "how many stay",
        "BACKUP_PASSPHRASE": "seals the secret key inside the backup",
    },
    "Running": {
        "WEB_CONCURRENCY": "web processes",
        "WEB_STATEMENT_SECONDS": "the database ends a page's query after so long; 0: never",
        "WEB_REQUEST_SECONDS": "a request that comes, or an answer that is taken, at less than 2 kB/s is given up after so long",
        "WEB_IDLE_IN_TRANSACTION_SECONDS": "and a page's transaction that lies idle",
        "SENTRY_DSN": "where errors are reported to, without words, names or values; needs the extra `observe`",
        "METRICS_TOKEN": "who brings it may read `/metrics`; without one only this machine, in production nobody",
        "PROMETHEUS_MULTIPROC_DIR": "where web processes count together; made by itself",
        "LOG_FORMAT": "`line` or `json`",
        "LOG_LEVEL": "`DEBUG`, `INFO`, `WARNING` …",
    },
}
# Set by the program itself for its own processes, or not of LungRater.
INTERNAL = {"LUNGRATER_IS_WEB", "PYTHONPATH", "WORLD_SIZE", "GROUP_RANK"}
# Where the code computes it, the page says what comes of it.
DEFAULTS = {
    "LUNGRATER_HOME": "`var/` where you stand",
    "SECRET_KEY": "the home's `secret_key`",
    "STORAGE_URL": "`media/` in the home",
    "WEB_CONCURRENCY": "2 to 4, by processors",
}
