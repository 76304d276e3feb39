# One image for every process: TIERGATE_PROCESS=web|decide|worker|beat says which.
#
# Build it with `docker build --tag tiergate .`; pin the base image by its digest where your builds must repeat.

ARG PYTHON_IMAGE=docker.io/library/python:3.13-slim

FROM ${PYTHON_IMAGE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PYTHONDONTWRITEBYTECODE=1
RUN python -m venv /venv
# Every file is held to its hash, and nothing is compiled: what has no wheel is no part of this.
COPY deploy/requirements.txt /tmp/requirements.txt
RUN /venv/bin/python -m pip install --require-hashes --no-deps --only-binary :all: --requirement /tmp/requirements.txt \
    && /venv/bin/python -m pip uninstall --yes pip
WORKDIR /app
COPY . .
ENV PATH=/venv/bin:$PATH
RUN deploy/entry collectstatic \
    && python -m compileall -q -j 0 /venv/lib /app

FROM ${PYTHON_IMAGE}
LABEL org.opencontainers.image.title="Tiergate" \
      org.opencontainers.image.description="May this go ahead, and if not, what would make it?" \
      org.opencontainers.image.licenses="Apache-2.0"
RUN groupadd --system --gid 10001 tiergate \
    && useradd --system --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin tiergate \
    && install --directory --owner=10001 --group=10001 --mode=0700 /seals \
    && install --directory --owner=10001 --group=10001 --mode=0755 /networks
# Root owns what runs; whoever runs it can change none of it. What is written lies below /tmp, a worker's seals in /seals, and what
# it is told of networks in /networks.
COPY --from=build /venv /venv
COPY --from=build /app /app
WORKDIR /app
ENV PATH=/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    TIERGATE_HOST=0.0.0.0 \
    TIERGATE_PORT=8000 \
    TIERGATE_PROCESS=web
USER 10001:10001
EXPOSE 8000
# It asks a server for /livez and a worker for an answer: the launcher knows which it is.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 CMD ["/app/deploy/entry", "healthy"]
# The launcher passes it on, and waits until what is under way is done.
STOPSIGNAL SIGTERM
ENTRYPOINT ["/app/deploy/entry"]
