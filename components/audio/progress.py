"""Progress of long work, as log records that a display can follow.

Every component reports through the logger ``tfx_audio.progress``; the command line draws what
arrives there, a scheduler's log shows the plain sentence.
"""

import logging

LOGGER_NAME = "tfx_audio.progress"
_LOGGER = logging.getLogger(LOGGER_NAME)


def report(stage: str, done: int, total: int | None, unit: str, note: str = "") -> None:
    """Report how far a stage is.

    Args:
      stage: The component or step (``AudioAugmenter``, ``Trainer``).
      done: Units finished.
      total: Units in all, or None where it is not known.
      unit: What is counted (``clips``, ``epochs``).
      note: A few words more (``loss 0.41, eval accuracy 0.93``).
    """
    of = "" if total is None else f"/{total}"
    text = f"{stage}: {done}{of} {unit}" + (f" ({note})" if note else "")
    _LOGGER.info(
        text,
        extra={
            "progress": {"stage": stage, "done": done, "total": total, "unit": unit, "note": note}
        },
    )
