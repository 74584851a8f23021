# First stage: build the wheel, and a virtual environment with the wheel and its dependencies.
FROM python:3.13-slim-trixie AS build
WORKDIR /src
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1

# Dependencies change less often than the code, so they come first. With dask.lock the image can also be the scheduler
# and the workers of a Dask cluster.
ARG REQUIREMENTS=requirements.lock
COPY deploy/build.lock deploy/dask.lock deploy/requirements.lock deploy/prune-packages ./
RUN pip install --require-hashes --requirement build.lock \
    && python -m venv --without-pip /opt/recon \
    && pip --python /opt/recon/bin/python install --require-hashes --requirement "$REQUIREMENTS" \
    && ./prune-packages /opt/recon/lib/python3.13/site-packages

COPY pyproject.toml README.md LICENSE ./
COPY migrations migrations
COPY recon recon
RUN pip wheel --no-index --no-deps --no-build-isolation --wheel-dir /tmp/dist . \
    && pip --python /opt/recon/bin/python install --no-index --no-deps /tmp/dist/*.whl \
    && /opt/recon/bin/python -c 'from recon.report import html_templates; html_templates.compile_all()'

# Second stage, the image: only Python and the finished environment.
FROM python:3.13-slim-trixie
ARG VERSION=0.1.0
ARG REVISION=
LABEL org.opencontainers.image.title="octopods-recon" \
      org.opencontainers.image.description="Nightly reconciliation of WhatsApp sends with Octopods" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION" \
      org.opencontainers.image.licenses="MIT"
COPY --from=build /opt/recon /opt/recon
ENV PATH=/opt/recon/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1

# The working directory, with recon.toml, an SQLite database and the reports.
RUN install --directory --owner=10001 --group=10001 --mode=0750 /data
WORKDIR /data
USER 10001:10001

# Healthy if configuration, database and schema can be used. Container engines expect 0 or 1, so any other code of
# recon becomes 1. The check is for `collect --follow`; most runs end before the first check.
HEALTHCHECK --interval=5m --timeout=30s --start-period=1m --retries=2 \
    CMD ["sh", "-c", "recon --quiet status >/dev/null || exit 1"]

# In the exec form recon is process 1 and receives SIGTERM itself.
ENTRYPOINT ["recon"]
CMD ["--help"]
