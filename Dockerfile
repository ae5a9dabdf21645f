# The image of the action. The step runs as root, as GitHub asks of container actions; generated code never does.
#   docker build .                                the action: greenloop, litellm, git, ruff, bandit, pytest, uv
#   docker build --target gpu .                   the same beside vLLM, for a job's `container:` on a runner with a GPU
#   docker build --build-arg BASE_IMAGE=… .       another base: any with apt and Python 3.11 to 3.13 with venv and pip
# Bases go by digest: Python 3.12.15 on Debian 12 (amd64 and arm64), vLLM 0.30.0 with CUDA 13.
ARG BASE_IMAGE=python:3.12-slim-bookworm@sha256:54c85f3c47607a77f32adec749d3c81d1348bf25833671f512b26a9b6d778cb3
ARG GPU_BASE_IMAGE=vllm/vllm-openai:v0.30.0@sha256:8a69ffad015f138d7170c4ddc429e230a3bc1c1719f67e14324749df200a4b90

# made in the base that it runs in, so that its interpreter is there; pip and what it needs stay behind
FROM ${BASE_IMAGE} AS build
COPY .ci/image requirements.lock /source/
RUN sh /source/image dependencies
COPY pyproject.toml README.md LICENSE /source/
COPY bot /source/bot
RUN sh /source/image greenloop

FROM ${GPU_BASE_IMAGE} AS build-gpu
COPY .ci/image requirements.lock /source/
RUN sh /source/image dependencies
COPY pyproject.toml README.md LICENSE /source/
COPY bot /source/bot
RUN sh /source/image greenloop

FROM ${GPU_BASE_IMAGE} AS gpu
RUN --mount=type=bind,source=.ci,target=/ci sh /ci/image git
COPY --from=build-gpu /opt/greenloop /opt/greenloop
RUN ln -s /opt/greenloop/bin/greenloop /usr/local/bin/greenloop
# the base's own Python is the one that has vLLM
ENV GREENLOOP_LOCAL_PYTHON=python3 PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
# a job's container is kept running by the runner, and its steps say `greenloop action`
ENTRYPOINT []

FROM ${BASE_IMAGE} AS action
RUN --mount=type=bind,source=.ci,target=/ci sh /ci/image git
COPY --from=build /opt/greenloop /opt/greenloop
COPY action/main.py /action/main.py
ARG VERSION=0 REVISION= SOURCE=
LABEL org.opencontainers.image.title=greenloop \
    org.opencontainers.image.licenses=BSD-3-Clause \
    org.opencontainers.image.version=${VERSION} \
    org.opencontainers.image.revision=${REVISION} \
    org.opencontainers.image.source=${SOURCE}
# nothing of the folder that a program is started in is imported
ENV PYTHONSAFEPATH=1 PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
# no USER: the workspace belongs to another one; no WORKDIR: the runner says where
ENTRYPOINT ["/opt/greenloop/bin/python", "-P", "/action/main.py"]
