# Images: `base` (producers, gateway, fusion, API, command line; no torch), `inference` (the three workers), `recogniser`
# (words for calls without a transcript), and Grafana, Prometheus and Valkey with their files and plugin inside: they start
# without internet, and from a checkout that only its owner can read. docker build --target base -t affectstream-base . ; docker build --target inference -t affectstream-inference .
FROM python:3.11-slim-bookworm AS python
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PATH=/opt/venv/bin:$PATH

FROM python AS builder
# for the join of the fusion process, which is compiled; no image keeps them
RUN apt-get update && apt-get install -y --no-install-recommends gcc libc6-dev && rm -rf /var/lib/apt/lists/*
ENV UV_LINK_MODE=copy UV_COMPILE_BYTECODE=1
RUN --mount=type=cache,target=/root/.cache python -m pip install --disable-pip-version-check 'uv>=0.8,<1' \
    && uv venv /opt/venv
WORKDIR /src
# The lock pins versions and hashes; an extra installs only its own share of it.
COPY pyproject.toml requirements.lock ./
COPY scripts/detector.txt scripts/

FROM builder AS base-packages
RUN --mount=type=cache,target=/root/.cache uv pip install --python /opt/venv \
    -r pyproject.toml --extra capture --extra fusion --extra dashboards --extra gateway --extra recording -c requirements.lock
COPY . .
RUN --mount=type=cache,target=/root/.cache uv pip install --python /opt/venv --no-deps . && chmod -R a+rX /opt/venv

FROM builder AS inference-packages
RUN --mount=type=cache,target=/root/.cache uv pip install --python /opt/venv \
    -r pyproject.toml --extra inference --extra hub -c requirements.lock \
    && uv pip install --python /opt/venv --no-deps --require-hashes -r scripts/detector.txt
COPY . .
RUN --mount=type=cache,target=/root/.cache uv pip install --python /opt/venv --no-deps . && chmod -R a+rX /opt/venv

FROM inference-packages AS recogniser-packages
RUN --mount=type=cache,target=/root/.cache uv pip install --python /opt/venv \
    -r pyproject.toml --extra asr -c requirements.lock && chmod -R a+rX /opt/venv

FROM python AS runtime
RUN useradd --uid 10001 --no-create-home --home-dir /tmp --shell /usr/sbin/nologin affect \
    && install -d -o 10001 -g 10001 -m 700 /audit /recordings
ENV HOME=/tmp
WORKDIR /tmp
USER 10001:10001

FROM runtime AS inference
ENV HF_HUB_DISABLE_TELEMETRY=1 NUMBA_CACHE_DIR=/tmp/numba
COPY --from=inference-packages /opt/venv /opt/venv
CMD ["python", "-m", "affectstream.workers.video"]

FROM runtime AS recogniser
ENV HF_HUB_DISABLE_TELEMETRY=1 NUMBA_CACHE_DIR=/tmp/numba
COPY --from=recogniser-packages /opt/venv /opt/venv
CMD ["python", "-m", "affectstream.workers.asr"]

FROM runtime AS base
COPY --from=base-packages /opt/venv /opt/venv
CMD ["affectstream", "--help"]

FROM valkey/valkey:9.1.1-alpine AS redis
COPY --chmod=755 deploy/redis-start deploy/redis-users.acl /opt/affectstream/
USER valkey
ENTRYPOINT ["/opt/affectstream/redis-start"]

FROM grafana/grafana:13.2.1 AS grafana
USER root
RUN grafana cli --pluginsDir /opt/grafana-plugins plugins install yesoreyeram-infinity-datasource 3.11.1
COPY --chown=472:0 dashboards/grafana/provisioning /etc/grafana/provisioning
COPY --chown=472:0 dashboards/grafana/dashboards /opt/grafana-dashboards
USER 472

FROM prom/prometheus:v3.13.1 AS prometheus
COPY --chown=65534:65534 dashboards/prometheus/prometheus.yml dashboards/prometheus/rules.yml /etc/prometheus/
USER 65534:65534
