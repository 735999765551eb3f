"""Where a run's folders may lie: what Kubeflow's driver and launcher can open.

Read off kubeflow/pipelines 2.17.0, backend/src/v2: objectstore/config.go
(`ParseBucketPathToConfig`, `KeyFromURI`), objectstore/object_store.go (`OpenBucket`),
component/launcher_v2.go (`fetchNonDefaultBuckets`).
"""

import re
from collections.abc import Mapping

from tfx_audio.components.audio.errors import InvalidInput

SCHEMES = ("gs", "minio", "s3")
_URI = re.compile(
    r"(?P<scheme>[a-z][a-z0-9]*)://(?P<bucket>[^/?]*)(?P<key>/[^?]*)?(?P<query>\?.*)?"
)
_EXPECTED = "expected a folder in an object store (gs://, minio:// or s3://)"


def is_remote(folder: str) -> bool:
    """Return whether a folder is a URI, which a pod gets by an importer or through TFX."""
    return "://" in folder


def check_root(root: str) -> None:
    """Refuse a pipeline root that the driver refuses.

    Raises:
      InvalidInput: Unless it is a bucket, or a folder in one.
    """
    if not is_remote(root):
        raise InvalidInput(
            f"root: {_EXPECTED}, got {root}: Kubeflow stores artifacts nowhere else. Volumes may "
            "hold the data and the sound banks (kubeflow.pods.NAME.volume_claims)"
        )
    scheme, bucket, _, query = _parts("root", root)
    if not bucket:
        raise InvalidInput(f"root: {_EXPECTED}, got {root}, which names no bucket")
    if query:
        raise InvalidInput(
            f"root: expected no '?{query}' in {root}: settings of the store belong in Kubeflow's "
            f"ConfigMap kfp-launcher (providers, {scheme})"
        )


def check_folder(name: str, folder: str, root: str) -> str:
    """Refuse a folder that the launcher can't download, and tell what it needs.

    A plain path is a folder of a volume, and always fits.

    Returns:
      What its pod needs that the root's bucket does not give; empty where nothing.

    Raises:
      InvalidInput: If no pod can read it.
    """
    if not is_remote(folder):
        return ""
    scheme, bucket, key, _ = _parts(name, folder)
    if not bucket or not key:
        raise InvalidInput(
            f"{name}: expected a folder in a bucket, got {folder}: Kubeflow's launcher downloads "
            f"no whole bucket. Move it below a folder: {folder.rstrip('/')}/FOLDER"
        )
    root_scheme, root_bucket, _, _ = _parts("root", root)
    if (scheme, bucket) == (root_scheme, root_bucket):
        return ""
    if scheme == "minio":
        raise InvalidInput(
            f"{name}: expected a folder in the root's bucket, {root_scheme}://{root_bucket}, got "
            f"{folder}: Kubeflow's launcher has MinIO's address and credentials for the root's "
            "bucket only. Copy the folder there, or put the root into its bucket"
        )
    kind = "Google" if scheme == "gs" else "AWS"
    return (
        f"{name}, {folder}, is not in the root's bucket: Kubeflow's launcher opens it with the "
        f"pod's own {kind} credentials: its service account's role, or "
        "kubeflow.pods.NAME.secret_env"
    )


def check_folders(folders: Mapping[str, str], root: str) -> list[str]:
    """Check every folder of a run, and return what their pods need."""
    found = [check_folder(name, folder, root) for name, folder in folders.items()]
    return [need for need in found if need]


def _parts(name: str, uri: str) -> tuple[str, str, str, str]:
    """Return scheme, bucket, key without slashes around it, and query."""
    match = _URI.fullmatch(uri)
    if match is None or match["scheme"] not in SCHEMES:
        raise InvalidInput(f"{name}: {_EXPECTED}, got {uri}")
    return (
        match["scheme"],
        match["bucket"],
        (match["key"] or "").strip("/"),
        (match["query"] or "").removeprefix("?"),
    )
