# The image of the action. The step runs as root, as GitHub asks of container actions; generated code never does.
# The base is named by a tag until a release is made of a digest; any image with Python 3.11 to 3.13 and apt will do.
ARG BASE_IMAGE=python:3.12-slim-bookworm

FROM ${BASE_IMAGE} AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
RUN python3 -m venv --without-pip /opt/greenloop
COPY requirements.lock /source/
RUN python3 -m pip --python /opt/greenloop/bin/python install --no-compile --require-hashes --only-binary=:all: \
    --requirement /source/requirements.lock
COPY pyproject.toml README.md LICENSE /source/
COPY bot /source/bot
RUN python3 -m pip --python /opt/greenloop/bin/python install --no-compile --no-index --no-deps --no-build-isolation /source
# nobody can write this code where it runs, so its bytecode is made here
RUN /opt/greenloop/bin/python -m compileall -q -j 0 /opt/greenloop/lib

FROM ${BASE_IMAGE}
RUN command -v git >/dev/null || { apt-get update \
    && apt-get install -y --no-install-recommends git ca-certificates \
    && rm -rf /var/lib/apt/lists/*; }
COPY --from=build /opt/greenloop /opt/greenloop
COPY action/main.py /action/main.py
# nothing of the folder that a program is started in is imported
ENV PYTHONSAFEPATH=1 PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
# no USER: the workspace belongs to another one; no WORKDIR: the runner says where
ENTRYPOINT ["/opt/greenloop/bin/python", "-P", "/action/main.py"]
