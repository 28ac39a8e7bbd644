# syntax=docker/dockerfile:1
# Two images of one file: `--target service` (no torch) and `--target worker`.

FROM python:3.11-slim AS base
ENV PYTHONUNBUFFERED=1 PATH=/opt/gradhealth/bin:$PATH

FROM base AS build
RUN python -m venv /opt/gradhealth
WORKDIR /source
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY gradhealth gradhealth
COPY service service
COPY storage storage
COPY worker worker
COPY migrations migrations

FROM build AS build-service
RUN --mount=type=cache,target=/root/.cache/pip \
    pip install --constraint constraints.txt ".[service,otel]"

FROM build AS build-worker
# For example PyTorch's index of CPU builds, which are gigabytes smaller.
ARG PIP_EXTRA_INDEX_URL=""
RUN --mount=type=cache,target=/root/.cache/pip \
    pip install --constraint constraints.txt ".[worker,otel]"

FROM base AS runtime
# The root may be read-only: what is written goes to /data (SQLite) and /tmp.
ENV GRADHEALTH_DATA_DIR=/data PYTHONDONTWRITEBYTECODE=1
RUN useradd --uid 10001 --no-create-home --home-dir /nonexistent gradhealth \
    && install --directory --owner=10001 --mode=700 /data
USER 10001
WORKDIR /data
VOLUME /data
ENTRYPOINT ["gradhealth"]

FROM runtime AS service
COPY --from=build-service /opt/gradhealth /opt/gradhealth
# Others reach it only where the port is published, and only with a key.
ENV GRADHEALTH_HOST=0.0.0.0
EXPOSE 8000
HEALTHCHECK --start-period=30s --interval=30s --timeout=10s \
    CMD ["python", "-m", "service.alive"]
CMD ["serve"]

FROM runtime AS worker
COPY --from=build-worker /opt/gradhealth /opt/gradhealth
HEALTHCHECK --start-period=120s --interval=60s --timeout=15s \
    CMD ["python", "-m", "worker.alive"]
CMD ["worker"]
