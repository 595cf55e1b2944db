# One image for web, workers and beat. No container engine was at hand when this was written; `python -m bench.containers`
# goes through these steps on a tree of Debian's packages, and runs the services of docker-compose.yml in it.
# A test makes the wheel of the first stage from the files named here and compares it with that of the checkout.
FROM python:3.11-slim-bookworm AS wheel

WORKDIR /source
COPY pyproject.toml hatch_build.py README.md LICENSE mkdocs.yml constraints.txt ./
COPY docs docs
RUN pip install --no-cache-dir --constraint constraints.txt "mkdocs-material==9.8.*" && python -m mkdocs build --strict
COPY lungrater lungrater
COPY accounts accounts
COPY audit audit
COPY jobs jobs
COPY outbound outbound
COPY pool pool
COPY generation generation
COPY rating rating
COPY templates templates
COPY static static
COPY locale locale
RUN pip wheel --no-deps --wheel-dir /wheel .


FROM python:3.11-slim-bookworm

ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 LUNGRATER_HOME=/data

# "worker" brings torch; web, migrate and beat need only "embedded", is for backups (pg_dump 18), and "export", for Parquet.
# TORCH_INDEX=https://download.pytorch.org/whl/cpu brings a torch without CUDA.
ARG EXTRAS=worker,embedded,export,release,observe
ARG TORCH_INDEX=
COPY constraints.txt /wheel/
COPY --from=wheel /wheel/*.whl /wheel/
RUN pip install --no-cache-dir ${TORCH_INDEX:+--extra-index-url "$TORCH_INDEX"} --constraint /wheel/constraints.txt \
        "$(ls /wheel/*.whl)[${EXTRAS}]" \
    && rm -rf /wheel \
    # Not what only developers need: libraries' own tests, and AWS' services other than those that files need.
    && packages="$(python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')" \
    && find "$packages" -type d -name tests -prune -exec rm -rf {} + \
    && find "$packages/botocore/data" -mindepth 1 -maxdepth 1 -type d ! -name s3 ! -name sts ! -name 'sso*' -exec rm -rf {} +

RUN useradd --uid 10001 --create-home lungrater && install -d -o lungrater -g lungrater -m 700 /data /data/run /backups
USER lungrater
WORKDIR /data
VOLUME /data
EXPOSE 8000

# The same command lines as lungrater/embedded/commands.py gives `lungrater up`; a test compares them.
CMD ["python", "-m", "gunicorn", "--config", "python:lungrater.embedded.gunicorn_conf", "--bind", "0.0.0.0:8000", "lungrater.wsgi:application"]
