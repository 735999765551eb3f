"""Run the pipeline on this machine: what `tfx-audio run` and the TFX CLI execute.

``python -m tfx_audio.pipeline.local_runner`` and ``tfx run create --engine local`` take their
configuration from the YAML file that ``TFX_AUDIO_CONFIG`` names. The TFX CLI hides a runner's
arguments, so there are none.
"""

import atexit
import contextlib
import importlib.util
import logging
import os
import sys
import time
from pathlib import Path
from typing import Any
from uuid import uuid4

from tfx_audio.components.audio.errors import InvalidInput, JobFailed, explain_system
from tfx_audio.components.audio.rejection import TooManyRejected, show_counts
from tfx_audio.components.whole_files import InUse, locked, temporary_files_in
from tfx_audio.pipeline.config import CONFIG_ENVIRONMENT_VARIABLE, PipelineConfig, load_config
from tfx_audio.pipeline.progress_display import ProgressDisplay, logs_to_file, quieten
from tfx_audio.pipeline.results.metadata_store import clear_orphans, read_runs
from tfx_audio.pipeline.results.summary_table import print_summary


class RunFailed(JobFailed):
    """A component failed; the message names it and the log."""


def run_and_report(config: PipelineConfig) -> int:
    """Run the pipeline, print its summary, and return the exit status.

    Raises:
      InvalidInput: If something that the user gave can't be used.
      JobFailed: If a component failed, or rejected more than the threshold.
    """
    summary = run_pipeline(config)
    if summary is not None:
        print_summary(summary)
    return 0


def run_pipeline(config: PipelineConfig) -> dict[str, Any] | None:
    """Run the whole pipeline in this process and write ``ROOT/summary.json``.

    Returns:
      The summary; None where the TFX CLI only asked for the pipeline's definition.

    Raises:
      InvalidInput: If something that the user gave can't be used.
      TooManyRejected: If a component rejected more than the threshold.
      RunFailed: If a component failed otherwise.
    """
    _check_kapre()
    prepare_root(config.root)
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(locked(Path(config.root) / ".lock"))
        except InUse:
            raise InvalidInput(
                f"--root: another run is working in {config.root}; wait for it, or give another "
                "folder"
            ) from None
        stack.enter_context(temporary_files_in(Path(config.root) / ".tmp"))
        return _run_in_root(config)


def _run_in_root(config: PipelineConfig) -> dict[str, Any] | None:
    print("tfx-audio: reading the data's headers and loading TFX …", file=sys.stderr, flush=True)
    display = ProgressDisplay(sys.stderr)
    log = Path(config.root) / "logs" / f"{time.strftime('run-%Y%m%d-%H%M%S')}-{uuid4().hex[:6]}.log"
    with logs_to_file(log, display):
        # Here and below: Beam and TFX take seconds to load, and what they log belongs in the file.
        from tfx_audio.pipeline.run_inputs import read_inputs

        if left := clear_orphans(config.root, config.metadata_path):
            display.announce(
                f"cleared what a killed run left: executions {', '.join(map(str, left))}"
            )
        inputs = read_inputs(config)
        found = "" if inputs.clips is None else f"{inputs.clips} clips, "
        labels = f"{len(inputs.labels)} labels, " if inputs.labels else ""
        display.announce(f"{found}{labels}{inputs.sample_rate} Hz; log: {log}")
        if inputs.ignored:
            display.announce(f"left out: {show_counts(inputs.ignored)}")
        for note in inputs.notes:
            display.announce(note)
        ran = _run(config, inputs, display, log)
        return _summarise(config) if ran else None


def _check_kapre() -> None:
    """Miss kapre before the first component; from Python 3.11 on pip does not bring it."""
    if importlib.util.find_spec("kapre") is None:
        raise InvalidInput(
            "the model needs kapre, which is not installed: pip install --no-deps kapre==0.4.1"
        )


def prepare_root(root: str) -> None:
    """Make the run's folder.

    Raises:
      InvalidInput: If it can't be made or written to.
    """
    try:
        os.makedirs(root, exist_ok=True)
        probe = Path(root) / f".writable-{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise InvalidInput(
            f"--root: expected a folder that can be written to, got {root}: {error.strerror}"
        ) from error


def _run(config: PipelineConfig, inputs: Any, display: ProgressDisplay, log: Path) -> bool:
    """Run with TFX's own runner; False where the TFX CLI replaced it."""
    from tfx.orchestration.local.local_dag_runner import LocalDagRunner

    from tfx_audio.components.local_workers import explain, watch_workers
    from tfx_audio.pipeline.definition import create_pipeline

    watch_workers()
    atexit.register(_hush_shutdown)
    pipeline = create_pipeline(config, inputs, target="local")
    display.expect(len(pipeline.components))
    runs_before = _run_ids(config)
    try:
        LocalDagRunner().run(pipeline)
    except (InvalidInput, TooManyRejected):
        logging.exception("the run ended on unusable input")
        raise
    except Exception as error:
        logging.exception("the run failed")
        raise RunFailed(
            f"{display.component or 'the run'} failed: {_reason(explain(error))}\n"
            f"The whole log: {log}"
        ) from error
    return _run_ids(config) != runs_before


def _reason(error: Exception) -> str:
    """Return what went wrong, on one line."""
    if system := explain_system(error):
        return system
    lines = str(error).strip().splitlines() or [""]
    named = "" if isinstance(error, JobFailed) else f"{type(error).__name__}: "
    return f"{named}{lines[0][:500]}"


def _summarise(config: PipelineConfig) -> dict[str, Any]:
    """Write the summary, and give TensorBoard the evaluation beside the Trainer's curves."""
    from tfx_audio.pipeline.results.evaluation_board import write_evaluation
    from tfx_audio.pipeline.results.summary import summarise, write_summary

    summary = summarise(config)
    write_summary(summary, config.root)
    if summary["evaluation"] and config.train.tensorboard:
        log_dir = os.path.join(config.root, "tensorboard", summary["run_id"])
        write_evaluation(summary["evaluation"], log_dir)
    return summary


def _hush_shutdown() -> None:
    """TensorFlow's functions complain from ``__del__`` when the interpreter is half gone."""
    sys.unraisablehook = lambda unraisable: None


def _run_ids(config: PipelineConfig) -> list[str]:
    if not os.path.exists(config.metadata_path):
        return []
    return [run.run_id for run in read_runs(config.metadata_path)]


def main() -> int:
    """Run what ``TFX_AUDIO_CONFIG`` describes; the exit status is the command line's."""
    quieten()
    file = os.environ.get(CONFIG_ENVIRONMENT_VARIABLE)
    try:
        if not file:
            raise InvalidInput(
                f"expected a configuration file named in {CONFIG_ENVIRONMENT_VARIABLE}, "
                "for example: data: {path: /audio}, root: /runs/first"
            )
        return run_and_report(load_config(file))
    except (InvalidInput, JobFailed) as error:
        print(f"tfx-audio: {error}", file=sys.stderr)
        return 2 if isinstance(error, InvalidInput) else 1


if __name__ == "__main__":
    status = main()
    if status:  # the TFX CLI imports a runner by executing it: success must not raise SystemExit
        sys.exit(status)
