"""Where a run's folders may lie on Kubeflow."""

from __future__ import annotations

import pytest

from tfx_audio.components.audio.errors import InvalidInput
from tfx_audio.pipeline.kubeflow.locations import check_folder, check_folders, check_root

ROOT = "minio://mlpipeline/runs"


@pytest.mark.parametrize("root", ["minio://mlpipeline", ROOT, "s3://bucket/a/b/", "gs://bucket/a"])
def test_a_bucket_or_a_folder_in_one_is_a_root(root: str) -> None:
    check_root(root)


@pytest.mark.parametrize(
    ("root", "message"),
    [
        ("/volume/runs", "Kubeflow stores artifacts nowhere else"),
        ("file:///volume/runs", "expected a folder in an object store"),
        ("s3:///runs", "names no bucket"),
        ("s3://bucket/runs?region=x", r"providers, s3\)"),
    ],
)
def test_what_the_driver_refuses_is_no_root(root: str, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        check_root(root)


@pytest.mark.parametrize("folder", ["/volume/audio", "minio://mlpipeline/audio", f"{ROOT}/audio"])
def test_a_volume_and_the_roots_bucket_need_nothing(folder: str) -> None:
    assert check_folder("data.path", folder, ROOT) == ""


@pytest.mark.parametrize(
    ("folder", "kind"), [("s3://other/audio", "AWS"), ("gs://other/audio", "Google")]
)
def test_another_bucket_needs_credentials_of_the_pods(folder: str, kind: str) -> None:
    (need,) = check_folders({"data.path": folder, "rooms": "/volume/rooms"}, ROOT)
    assert need.startswith(f"data.path, {folder}, is not in the root's bucket")
    assert f"{kind} credentials" in need


@pytest.mark.parametrize(
    ("folder", "message"),
    [
        (
            "minio://other/audio",
            "in the root's bucket, minio://mlpipeline, got minio://other/audio",
        ),
        ("minio://mlpipeline/", "Move it below a folder: minio://mlpipeline/FOLDER"),
        ("s3://", "no whole bucket"),
        ("https://host/audio", "bank: expected a folder in an object store"),
    ],
)
def test_what_the_launcher_cant_download_is_refused(folder: str, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        check_folder("bank", folder, ROOT)
