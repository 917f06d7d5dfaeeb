# Two stages: the first installs what the lock names, by hash, and builds Portunus; the second has no installer and no shell
# user, and can run on a read-only file system. `docker-compose.yml` shows how.
FROM python:3.13-slim-bookworm AS build
ENV UV_PYTHON_DOWNLOADS=never UV_LINK_MODE=copy UV_COMPILE_BYTECODE=1 UV_NO_CACHE=1
RUN ["pip", "install", "--no-cache-dir", "--root-user-action=ignore", "uv==0.13.9"]
WORKDIR /build
RUN ["uv", "venv", "--python", "/usr/local/bin/python", "/opt/portunus"]
COPY requirements.lock ./
RUN ["uv", "pip", "install", "--python", "/opt/portunus", "--require-hashes", "-r", "requirements.lock"]
COPY requirements-dev.lock pyproject.toml README.md LICENSE ./
COPY domain ./domain
COPY application ./application
COPY adapters ./adapters
COPY entrypoints ./entrypoints
RUN ["uv", "build", "--wheel", "--build-constraint", "requirements-dev.lock", "--require-hashes", "--out-dir", "dist"]
RUN ["uv", "pip", "install", "--python", "/opt/portunus", "--no-deps", "--no-index", "--find-links", "dist", "portunus"]

FROM python:3.13-slim-bookworm
LABEL org.opencontainers.image.title="Portunus" \
      org.opencontainers.image.description="A self-hosted authentication service" \
      org.opencontainers.image.licenses="Apache-2.0"
ENV PATH=/opt/portunus/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PORTUNUS_HOST=0.0.0.0
COPY --from=build /opt/portunus /opt/portunus
# For a database in a file: a volume of uid 10001 at /data, and PORTUNUS_DATABASE_URL=sqlite:////data/portunus.db.
WORKDIR /data
USER 10001:10001
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
  CMD ["python", "-c", "import os, urllib.request as web; web.urlopen('http://127.0.0.1:' + os.environ.get('PORTUNUS_PORT', '8000') + '/health/live', timeout=2)"]
ENTRYPOINT ["portunus"]
CMD ["serve"]
