# syntax=docker/dockerfile:1
# Two images from one file: `service` (no torch) and `worker`.

FROM python:3.11-slim AS base
ENV PYTHONUNBUFFERED=1 PIP_NO_CACHE_DIR=1 GRADHEALTH_DATA_DIR=/data
RUN useradd --create-home gradhealth && install -d -o gradhealth /data
WORKDIR /app
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY gradhealth gradhealth
COPY service service
COPY storage storage
COPY worker worker
COPY migrations migrations

FROM base AS service
RUN pip install --constraint constraints.txt ".[service]"
USER gradhealth
VOLUME /data
ENTRYPOINT ["gradhealth"]
CMD ["serve"]

FROM base AS worker
# For example PyTorch's index of CPU builds, which are gigabytes smaller.
ARG PIP_EXTRA_INDEX_URL=""
RUN pip install --constraint constraints.txt ".[worker]"
USER gradhealth
VOLUME /data
ENTRYPOINT ["gradhealth"]
CMD ["worker"]
