# syntax=docker/dockerfile:1
# The image of the pipeline's pods, and of Beam's workers (the same code must run in both).
#   docker build --tag REGISTRY/tfx-audio:VERSION .
# For GPUs, with CUDA's libraries:
#   docker build --build-arg GPU=1 --tag REGISTRY/tfx-audio:VERSION-gpu .
# The older platform (docs/platforms.md):
#   docker build --build-arg PYTHON=3.10 --build-arg DEBIAN=bookworm --build-arg BEAM=2.65.0 .
# Kubeflow gives its own command (`python -m tfx_audio.pipeline.kubeflow.entrypoint`); Beam's runners
# start the entry point with arguments of their own.

# Beam's version is that of the lock file.
ARG PYTHON=3.13
ARG DEBIAN=trixie
ARG BEAM=2.77.0
# To pin the bases, name them with the digests that your registry shows: NAME:TAG@sha256:…
ARG PYTHON_IMAGE=python:${PYTHON}-slim-${DEBIAN}
ARG BEAM_IMAGE=apache/beam_python${PYTHON}_sdk:${BEAM}

FROM ${PYTHON_IMAGE} AS packages
ARG PYTHON
ENV PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    UV_LINK_MODE=copy
# pyfarmhash has no wheel for Python 3.10. The compiler stays in this stage.
# hadolint ignore=DL3008
RUN if [ "$PYTHON" = 3.10 ]; then \
        apt-get update \
        && apt-get install --yes --no-install-recommends g++ \
        && rm -rf /var/lib/apt/lists/*; \
    fi
RUN python -m pip install uv==0.13.9 \
    && uv venv --python "$(command -v python)" /opt/tfx-audio
WORKDIR /src
ARG GPU=
COPY requirements-*.lock pyproject.toml ./
COPY scripts/runtime-lock scripts/
RUN scripts/runtime-lock "$PYTHON" uv image ${GPU:+gpu} > runtime.lock \
    && uv pip sync --python /opt/tfx-audio/bin/python --compile-bytecode --require-hashes \
        --no-cache runtime.lock

# The project's own files alone: a change of its code leaves the packages' layer as it is.
FROM packages AS project
COPY LICENSE README.md ./
COPY components components
COPY pipeline pipeline
COPY schemas schemas
COPY src src
RUN touch /built \
    && uv pip install --python /opt/tfx-audio/bin/python --no-deps --compile-bytecode --no-cache . \
    && mkdir /project \
    && find /opt/tfx-audio -type f -cnewer /built -exec cp --parents --target-directory /project {} +

FROM ${BEAM_IMAGE} AS beam

FROM ${PYTHON_IMAGE}
ARG PYTHON_IMAGE
ARG GPU=
# The launcher mounts artifacts at these paths. A cluster may run the image as any user of group 0
# (OpenShift does), so what belongs to user 1000 is its group's as well.
RUN useradd --create-home --uid 1000 --gid 0 tfx \
    && mkdir --parents /minio /s3 /gcs \
    && chown tfx:root /minio /s3 /gcs \
    && chmod g=u /minio /s3 /gcs /home/tfx
# Beam's boot program runs the worker in this very environment, which has pip for staged packages.
ENV PATH=/opt/tfx-audio/bin:$PATH \
    HOME=/home/tfx \
    PYTHONUNBUFFERED=1 \
    TF_CPP_MIN_LOG_LEVEL=3 \
    RUN_PYTHON_SDK_IN_DEFAULT_ENVIRONMENT=1
COPY --from=beam /opt/apache/beam /opt/apache/beam
COPY --from=packages /opt/tfx-audio /opt/tfx-audio
COPY --from=project /project/ /
USER 1000
WORKDIR /home/tfx
ENTRYPOINT ["/opt/apache/beam/boot"]
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="tfx-audio" \
      org.opencontainers.image.description="A TFX pipeline for audio classification" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.base.name="${PYTHON_IMAGE}" \
      tfx-audio.gpu="${GPU}"
