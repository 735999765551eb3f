# syntax=docker/dockerfile:1
# The image of the pipeline's pods, and of Beam's workers (the same code must run in both).
#   docker build --tag REGISTRY/tfx-audio:VERSION .
# The older platform (docs/platforms.md):
#   docker build --build-arg PYTHON=3.10 --build-arg DEBIAN=bookworm --build-arg BEAM=2.65.0 .
# Kubeflow gives its own command (`python -m tfx_audio.pipeline.kubeflow.entrypoint`); Beam's runners
# start the entry point with arguments of their own.

# Beam's version is that of the lock file.
ARG PYTHON=3.13
ARG DEBIAN=trixie
ARG BEAM=2.77.0

FROM python:${PYTHON}-slim-${DEBIAN} AS build
ARG PYTHON
ENV PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    UV_LINK_MODE=copy
RUN python -m pip install uv==0.13.9 \
    && uv venv --python "$(command -v python)" /opt/tfx-audio
WORKDIR /src
COPY requirements-py3*.lock pyproject.toml scripts/runtime-lock ./
# Dependencies first: a change of the project's own code leaves this layer cached.
RUN mkdir scripts \
    && mv runtime-lock scripts/ \
    && scripts/runtime-lock "$PYTHON" uv > runtime.lock \
    && uv pip sync --python /opt/tfx-audio/bin/python --compile-bytecode --require-hashes \
        --no-cache runtime.lock
COPY LICENSE README.md ./
COPY components components
COPY pipeline pipeline
COPY schemas schemas
COPY src src
RUN uv pip install --python /opt/tfx-audio/bin/python --no-deps --compile-bytecode --no-cache .

FROM apache/beam_python${PYTHON}_sdk:${BEAM} AS beam

FROM python:${PYTHON}-slim-${DEBIAN}
COPY --from=beam /opt/apache/beam /opt/apache/beam
COPY --from=build /opt/tfx-audio /opt/tfx-audio
# The launcher mounts artifacts at these paths and runs as the image's user. Beam's boot program
# runs the worker in this very environment (the variable below), which has pip for staged packages.
RUN useradd --create-home --uid 1000 tfx \
    && mkdir --parents /minio /s3 /gcs \
    && chown tfx:tfx /minio /s3 /gcs
ENV PATH=/opt/tfx-audio/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    TF_CPP_MIN_LOG_LEVEL=3 \
    RUN_PYTHON_SDK_IN_DEFAULT_ENVIRONMENT=1
USER 1000
WORKDIR /home/tfx
ENTRYPOINT ["/opt/apache/beam/boot"]
