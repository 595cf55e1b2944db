# One image for web, workers and beat. No container engine was at hand when this was written: it has not been built.
FROM python:3.11-slim-bookworm

ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 LUNGRATER_HOME=/data
WORKDIR /app

# "worker" brings torch; a web-only image is built with --build-arg EXTRAS=
ARG EXTRAS=worker
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY lungrater lungrater
COPY accounts accounts
COPY jobs jobs
COPY outbound outbound
COPY pool pool
COPY generation generation
COPY rating rating
# In place, because templates and static files stand beside the packages.
RUN pip install --no-cache-dir --constraint constraints.txt --editable ".[${EXTRAS}]"
COPY manage.py ./
COPY templates templates
COPY static static

RUN useradd --system --create-home lungrater && install -d -o lungrater -g lungrater -m 700 /data /data/run
USER lungrater
VOLUME /data
EXPOSE 8000

# The same command lines as lungrater/embedded/commands.py gives `lungrater up`; a test compares them.
CMD ["python", "-m", "gunicorn", "--config", "python:lungrater.embedded.gunicorn_conf", "--bind", "0.0.0.0:8000", "lungrater.wsgi:application"]
