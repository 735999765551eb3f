"""The embedded data set: ten classes of synthesised sound, written as WAV files in class folders.

Pitch, phase, envelope, level and background noise are drawn from a seed. Several classes share
their average spectrum (a rising and a falling chirp, a steady and a trembling tone), so that a
model has to look at how a sound moves.
"""

import functools
import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np

from tfx_audio.components.audio.clip import encode_wav

SAMPLE_RATE = 16_000
DURATION_S = 1.0
DEFAULT_CLIPS_PER_CLASS = 120
DEFAULT_SEED = 20
_LOWEST_HZ, _HIGHEST_HZ = 150.0, 1200.0
_LEVEL_DBFS = (-26.0, -6.0)
_BACKGROUND_SNR_DB = (8.0, 30.0)

Generator = Callable[[np.random.Generator, np.ndarray], np.ndarray]


def write_demo_data(
    root: str | Path, clips_per_class: int = DEFAULT_CLIPS_PER_CLASS, seed: int = DEFAULT_SEED
) -> Path:
    """Write the data set as ``root/<class>/<class>_<nnn>.wav``; equal files stay untouched."""
    root = Path(root)
    for label in CLASSES:
        folder = root / label
        folder.mkdir(parents=True, exist_ok=True)
        for index in range(clips_per_class):
            wav = encode_wav(synthesise(label, index, seed), SAMPLE_RATE)
            path = folder / f"{label}_{index:03d}.wav"
            if not path.exists() or path.read_bytes() != wav:
                path.write_bytes(wav)
    return root


def synthesise(label: str, index: int, seed: int = DEFAULT_SEED) -> np.ndarray:
    """Return one clip of a class: float32, ``(samples,)``, `DURATION_S` at `SAMPLE_RATE`."""
    digest = hashlib.sha256(f"{seed}/{label}/{index}".encode()).digest()
    rng = np.random.default_rng(int.from_bytes(digest[:16], "little"))
    time_s = np.arange(int(SAMPLE_RATE * DURATION_S)) / SAMPLE_RATE
    sound = CLASSES[label](rng, time_s) * _envelope(rng, time_s)
    sound /= max(1e-9, float(np.sqrt(np.mean(sound**2))))
    snr_db = rng.uniform(*_BACKGROUND_SNR_DB)
    tilt = rng.uniform(0.0, 1.0)
    mixed = sound + _coloured_noise(rng, time_s.size, tilt) * 10 ** (-snr_db / 20)
    peak = 10 ** (rng.uniform(*_LEVEL_DBFS) / 20)
    return (mixed * (peak / np.abs(mixed).max())).astype(np.float32)


def _envelope(rng: np.random.Generator, time_s: np.ndarray) -> np.ndarray:
    """Return attack, sound and release at a random place: at least 0.5 s of the clip sounds."""
    length_s = rng.uniform(0.5, 0.95)
    start_s = rng.uniform(0.0, DURATION_S - length_s)
    attack_s, release_s = rng.uniform(0.005, 0.08), rng.uniform(0.02, 0.15)
    rise = np.clip((time_s - start_s) / attack_s, 0, 1)
    fall = np.clip((start_s + length_s - time_s) / release_s, 0, 1)
    return rise * fall


def _pitch_hz(rng: np.random.Generator) -> float:
    return float(np.exp(rng.uniform(np.log(_LOWEST_HZ), np.log(_HIGHEST_HZ))))


def _phase(rng: np.random.Generator, frequency_hz: np.ndarray) -> np.ndarray:
    """Return the running phase in cycles of a tone with the given frequency at every sample."""
    return np.cumsum(frequency_hz) / SAMPLE_RATE + rng.uniform()


def _sine(rng: np.random.Generator, time_s: np.ndarray) -> np.ndarray:
    return np.sin(2 * np.pi * _phase(rng, np.full(time_s.size, _pitch_hz(rng))))


def _harmonics(
    rng: np.random.Generator, time_s: np.ndarray, amplitude: Callable[[int], float]
) -> np.ndarray:
    """Sum the harmonics below Nyquist, so that there are no aliases."""
    pitch_hz = _pitch_hz(rng)
    phase = _phase(rng, np.full(time_s.size, pitch_hz))
    orders = range(1, int(SAMPLE_RATE / 2 / pitch_hz) + 1)
    return np.sum([amplitude(n) * np.sin(2 * np.pi * n * phase) for n in orders], axis=0)


def _chirp(rng: np.random.Generator, time_s: np.ndarray, rising: bool) -> np.ndarray:
    low_hz = _pitch_hz(rng)
    octaves = rng.uniform(0.7, 1.6)
    progress = time_s / DURATION_S
    frequency_hz = low_hz * 2 ** (octaves * (progress if rising else 1 - progress))
    return np.sin(2 * np.pi * _phase(rng, frequency_hz))


def _tremolo(rng: np.random.Generator, time_s: np.ndarray) -> np.ndarray:
    depth, rate_hz = rng.uniform(0.6, 0.95), rng.uniform(5.0, 11.0)
    swing = 0.5 + 0.5 * np.sin(2 * np.pi * (rate_hz * time_s + rng.uniform()))
    return _sine(rng, time_s) * (1 - depth * swing)


def _vibrato(rng: np.random.Generator, time_s: np.ndarray) -> np.ndarray:
    semitones, rate_hz = rng.uniform(0.8, 2.5), rng.uniform(5.0, 9.0)
    swing = np.sin(2 * np.pi * (rate_hz * time_s + rng.uniform()))
    frequency_hz = _pitch_hz(rng) * 2 ** (semitones * swing / 12)
    return np.sin(2 * np.pi * _phase(rng, frequency_hz))


def _clicks(rng: np.random.Generator, time_s: np.ndarray) -> np.ndarray:
    """Ring a short resonance several times a second."""
    rate_hz, ring_hz = rng.uniform(7.0, 22.0), rng.uniform(600.0, 4000.0)
    since_s = np.mod(time_s + rng.uniform(), 1 / rate_hz)
    return np.exp(-since_s / rng.uniform(0.002, 0.006)) * np.sin(2 * np.pi * ring_hz * since_s)


def _noise(rng: np.random.Generator, time_s: np.ndarray, least: float, most: float) -> np.ndarray:
    return _coloured_noise(rng, time_s.size, rng.uniform(least, most))


def _coloured_noise(rng: np.random.Generator, samples: int, exponent: float) -> np.ndarray:
    """Return noise of RMS 1 whose power falls with ``1 / f**exponent`` (0 white, 1 pink)."""
    spectrum = np.fft.rfft(rng.standard_normal(samples))
    spectrum /= np.maximum(1, np.arange(spectrum.size)) ** (exponent / 2)
    noise = np.fft.irfft(spectrum, samples)
    return np.asarray(noise / np.sqrt(np.mean(noise**2)))


CLASSES: dict[str, Generator] = {
    "chirp_down": functools.partial(_chirp, rising=False),
    "chirp_up": functools.partial(_chirp, rising=True),
    "clicks": _clicks,
    "pink_noise": functools.partial(_noise, least=0.85, most=1.15),
    "sawtooth": functools.partial(_harmonics, amplitude=lambda n: 1 / n),
    "sine": _sine,
    "square": functools.partial(_harmonics, amplitude=lambda n: n % 2 / n),
    "tremolo": _tremolo,
    "vibrato": _vibrato,
    "white_noise": functools.partial(_noise, least=0.0, most=0.15),
}
