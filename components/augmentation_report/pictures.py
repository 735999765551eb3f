"""Pictures of a clip: its waveform as an SVG path, its log-mel as a small PNG."""

import io

import numpy as np
from PIL import Image

WAVEFORM_COLUMNS = 240
WAVEFORM_HEIGHT = 64
MAX_MEL_COLUMNS = 360
# Dark blue over violet and orange to cream: lightness rises steadily, also in grey and for
# readers who tell few colours apart.
_COLOUR_STOPS = np.array(
    [
        (8, 8, 32),
        (50, 18, 92),
        (118, 30, 112),
        (190, 52, 92),
        (238, 108, 58),
        (252, 178, 88),
        (254, 246, 200),
    ],
    dtype=np.float64,
)


def waveform_path(waveform: np.ndarray) -> str:
    """Return the outline of a waveform as SVG path data.

    The drawing is `WAVEFORM_COLUMNS` wide and `WAVEFORM_HEIGHT` high; full scale fills it, so
    that levels of pictures beside each other can be compared.

    Args:
      waveform: float, ``(samples,)`` or ``(channels, samples)``; channels are drawn as one.
    """
    mono = np.atleast_2d(waveform)
    if mono.shape[-1] == 0:
        return f"M0 {WAVEFORM_HEIGHT / 2:g}H{WAVEFORM_COLUMNS}"
    columns = min(WAVEFORM_COLUMNS, mono.shape[-1])
    starts = np.arange(columns) * mono.shape[-1] // columns
    highest = np.maximum.reduceat(mono.max(axis=0), starts)
    lowest = np.minimum.reduceat(mono.min(axis=0), starts)
    x = (np.arange(columns) + 0.5) * WAVEFORM_COLUMNS / columns
    points = [
        *zip(x, _height(highest), strict=True),
        *zip(x[::-1], _height(lowest[::-1]), strict=True),
    ]
    return "M" + "L".join(f"{px:.4g} {py:.3g}" for px, py in points) + "Z"


def _height(amplitude: np.ndarray) -> np.ndarray:
    """Map [-1, 1] to SVG's downward axis; leave half a unit so that silence is a line."""
    return (1.0 - np.clip(amplitude, -1.0, 1.0)) * (WAVEFORM_HEIGHT / 2 - 0.5) + 0.5


def mel_png(
    log_mel: np.ndarray, lowest: float, highest: float, size: tuple[int, int] | None = None
) -> bytes:
    """Draw a log-mel as PNG, low frequencies at the bottom.

    Args:
      log_mel: ``(frames, n_mels)``.
      lowest: The value drawn darkest.
      highest: The value drawn brightest.
      size: Width and height in pixels; None for one pixel a frame and band.
    """
    shown = _fewer_frames(log_mel)
    span = max(highest - lowest, 1e-9)
    steps = np.clip((shown - lowest) / span, 0.0, 1.0) * 255.0
    indices = np.rint(steps).astype(np.uint8).T[::-1]
    picture = Image.fromarray(np.ascontiguousarray(indices), mode="P")
    picture.putpalette(_palette())
    if size is not None:
        picture = picture.resize(size, Image.Resampling.NEAREST)
    buffer = io.BytesIO()
    picture.save(buffer, format="PNG", optimize=False, compress_level=9)
    return buffer.getvalue()


def _fewer_frames(log_mel: np.ndarray) -> np.ndarray:
    """Average neighbouring frames of a long clip, so that a picture stays small."""
    frames = log_mel.shape[0]
    if frames <= MAX_MEL_COLUMNS:
        return log_mel
    starts = np.arange(MAX_MEL_COLUMNS) * frames // MAX_MEL_COLUMNS
    counts = np.diff(np.append(starts, frames))[:, None]
    return np.asarray(np.add.reduceat(log_mel, starts, axis=0) / counts)


def _palette() -> list[int]:
    at = np.linspace(0, len(_COLOUR_STOPS) - 1, 256)
    stops = np.arange(len(_COLOUR_STOPS))
    channels = [np.interp(at, stops, _COLOUR_STOPS[:, channel]) for channel in range(3)]
    colours: list[int] = np.rint(np.stack(channels, axis=1)).astype(int).reshape(-1).tolist()
    return colours
