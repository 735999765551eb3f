"""One attempt at a task, as a pod of KFP 2.17.0 makes it; see `kfp_launcher`."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from kfp_rules import FOLDERS, LOGS, Json, Refused, bucket_of, each_artifact, key_in

_MOUNT_ROOT_VARIABLE = "TFX_AUDIO_MOUNT_ROOT"  # a pod mounts at /; this machine below a folder
_LOST = 137  # the status of a pod that was killed


@dataclass(frozen=True)
class Machine:
    """Where pods run, and the object store that they share.

    Attributes:
      work: Folder for the object store, working directories, logs.
      root: The run's folder in the object store, a URI.
      python: The interpreter that stands for the container's ``python``.
      image: Run the tasks in this image, with podman, instead of `python`.
      user: The image's user, as ``UID:GID``.
      confinement: The command that drops user and capabilities.
    """

    work: Path
    root: str
    python: Path | None
    image: str
    user: str
    confinement: Sequence[str]

    def object(self, uri: str) -> Path:
        """Return where the store keeps a URI's object or folder."""
        return self.work / "store" / uri.replace("://", "/")


class Pod:
    """One attempt at one task: its disk, its environment, its log."""

    def __init__(self, folder: Path, attempt: int, machine: Machine, platform: Json) -> None:
        self.machine = machine
        self.attempt = attempt
        self.cwd = folder / f"cwd-{attempt}"
        self.disk = folder / "disk"
        self.log = folder / f"log-{attempt}"
        self.executor_input: Json = {}
        self.output_file = Path()
        self.platform = platform
        self.cwd.mkdir(parents=True)

    def run(self, container: Json, executor_input: Json, lost: bool) -> int:
        """Run the container and return its status; a lost pod's outputs are gone with its disk."""
        self.executor_input = json.loads(json.dumps(executor_input))
        outputs = self.executor_input["outputs"]
        self.output_file = Path(self.local(outputs["outputFile"]))
        outputs["outputFile"] = f"{self.mount_root}{str(self.output_file)[len(str(self.disk)) :]}"
        # component/launcher_v2.go: qualifyExecutorLogsForRetry.
        logs = outputs["artifacts"][LOGS]["artifacts"][0]
        logs["uri"] += f"-{self.attempt}"
        variables = {item["name"]: item["value"] for item in container.get("env", [])}
        for artifact in each_artifact(self.executor_input["inputs"]["artifacts"]):
            self._download(artifact["uri"], variables)
        # component/launcher_v2.go: prepareOutputFolders makes the folders above the outputs only.
        for artifact in each_artifact(outputs["artifacts"]):
            Path(self.local(artifact["uri"])).parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps(self.executor_input)
        command = [*container.get("command", []), *container.get("args", [])]
        status = self._execute([part.replace("{{$}}", text) for part in command], variables)
        shutil.copy2(self.log, self.local(logs["uri"]))
        if lost:
            status = _LOST
        elif status:
            self.upload(logs["uri"])  # of a task that failed, nothing but logs
        if status:
            self.remove_disk()
        return status

    @property
    def mount_root(self) -> str:
        """Return what stands before ``/minio`` where the task runs."""
        return "" if self.machine.image else str(self.disk)

    def local(self, uri: str) -> str:
        """Return where the launcher keeps a URI on the pod's disk, seen from this machine."""
        scheme, _, rest = uri.partition("://")
        return f"{self.disk}/{FOLDERS[scheme]}/{rest}"

    def upload(self, uri: str) -> None:
        """Store a folder's files; an object store knows no empty folders."""
        # objectstore/object_store.go: UploadBlob. What is not there is left out; a link to a folder
        # is opened as a file.
        local = Path(self.local(uri)) if "://" in uri else Path(uri)
        key_in(self.machine.root, uri)
        if not local.exists():
            return
        for path in [local] if local.is_file() else local.rglob("*"):
            if path.is_symlink() and path.is_dir():
                raise Refused(f"uploadFile(): unable to complete copying {path}: is a directory")
            if path.is_file():
                target = self.machine.object(uri) / path.relative_to(local)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(path, target)

    def remove_disk(self) -> None:
        """Remove what a pod's disk held: it does not outlive the pod."""
        shutil.rmtree(self.disk, ignore_errors=True)

    def _download(self, uri: str, variables: Json) -> None:
        # component/launcher_v2.go: downloadArtifacts, fetchNonDefaultBuckets.
        if "://" not in uri:
            return
        bucket = bucket_of(uri)
        if bucket != bucket_of(self.machine.root):
            self._check_credentials(uri, variables)
        if not uri.startswith(self.machine.root):
            key_in("://".join(bucket), uri)
        source, target = self.machine.object(uri), Path(self.local(uri))
        if source.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            copy = shutil.copytree if source.is_dir() else shutil.copy2
            copy(source, target)

    def _check_credentials(self, uri: str, variables: Json) -> None:
        # objectstore/object_store.go: OpenBucket, newS3Client(nil, nil). Another bucket than the
        # root's has no session: AWS's own endpoint, and credentials from the pod's environment.
        secrets = self.platform.get("secretAsEnv", [])
        names = {pair["envVar"] for secret in secrets for pair in secret["keyToEnv"]}
        if not uri.startswith("s3://"):
            raise Refused(f"failed to open bucket for {uri!r}: not the root's, so asked of AWS")
        if "AWS_ACCESS_KEY_ID" not in names | set(variables):
            raise Refused(f"failed to open bucket for {uri!r}: no credentials in the environment")

    def _execute(self, command: list[str], variables: Json) -> int:
        environment: Json | None = None  # podman needs this process's own
        if self.machine.image:
            command = self._in_container(command, variables)
        else:
            assert self.machine.python is not None
            command = [*self.machine.confinement, *command]
            environment = {
                "PATH": f"{self.machine.python.parent}:/usr/local/bin:/usr/bin:/bin",
                "HOME": str(self.cwd.parent),
                "TF_CPP_MIN_LOG_LEVEL": "3",
                _MOUNT_ROOT_VARIABLE: self.mount_root,
                **variables,
            }
        with self.log.open("w") as file:
            return subprocess.run(
                command,
                cwd=self.cwd,
                env=environment,
                stdout=file,
                stderr=subprocess.STDOUT,
                check=False,
            ).returncode

    def _in_container(self, command: list[str], variables: Json) -> list[str]:
        # compiler/argocompiler/container.go: /gcs, /s3 and /minio are volumes of the pod's own.
        run = ["podman", "--runtime", "runc", "run", "--rm", "--network", "none"]
        run += ["--ulimit", "nofile=4096:4096", "--ulimit", "nproc=4096:4096"]
        run += ["--user", self.machine.user, "--cap-drop", "all"]
        run += ["--security-opt", "no-new-privileges"]
        for name in FOLDERS.values():
            (self.disk / name).mkdir(parents=True, exist_ok=True)
            run += ["--volume", f"{self.disk / name}:/{name}"]
        for folder in [path for path in self.disk.rglob("*") if path.is_dir()]:
            folder.chmod(0o777)
        run += [part for name, value in variables.items() for part in ("--env", f"{name}={value}")]
        return [*run, "--entrypoint", command[0], self.machine.image, *command[1:]]


def unprivileged() -> list[str]:
    """Return the command that drops user and capabilities; nothing where the machine forbids it."""
    # compiler/argocompiler/security_context.go: defaultUserContainerSecurityContext drops all
    # capabilities and privilege escalation; the image's user is 1000. A user namespace shows the
    # task that user and leaves this user's files readable.
    command = ["setpriv", "--no-new-privs", "unshare", "--user", "--map-user=1000"]
    command += ["--map-group=1000", "--"]
    if (
        shutil.which(command[0])
        and not subprocess.run([*command, "true"], capture_output=True, check=False).returncode
    ):
        return command
    print("no user namespaces here: tasks keep this user and its capabilities", file=sys.stderr)
    return []
