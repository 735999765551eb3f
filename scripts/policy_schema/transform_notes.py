"""What audiomentations' signatures do not hold: bounds, costs, packages, withheld parameters."""

from __future__ import annotations

from collections.abc import Mapping

SOUND_PARAMETERS = ("sounds_path", "ir_path")
"""Parameters that take paths; a policy names a sound bank (`sounds`) instead."""

WITHHELD_TRANSFORMS: Mapping[str, str] = {"Lambda": "it takes a Python function"}

_CALLABLE = "it takes a Python function"
_DEPRECATED = "audiomentations has deprecated it"
_CACHE = "sounds are always read once and kept"
WITHHELD_PARAMETERS: Mapping[str, Mapping[str, str]] = {
    "AddBackgroundNoise": {"noise_transform": _CALLABLE, "lru_cache_size": _CACHE},
    "AddShortNoises": {
        "noise_transform": _CALLABLE,
        "lru_cache_size": _CACHE,
        "signal_gain_in_db_during_noise": "use signal_gain_db_during_noise",
    },
    "ApplyImpulseResponse": {"lru_cache_size": _CACHE},
    "Mp3Compression": {"backend": f"{_DEPRECATED}: it always is fast-mp3-augment"},
    "RepeatPart": {"part_transform": _CALLABLE},
    "RoomSimulator": {"ray_tracing_options": "its defaults are used"},
}

NEEDS_PACKAGE: Mapping[str, str] = {
    "Limiter": "numpy_audio_limiter",
    "LoudnessNormalization": "loudness",
    "Mp3Compression": "fast_mp3_augment",
    "PitchShift": "python_stretch",
    "RoomSimulator": "pyroomacoustics",
    "TimeStretch": "python_stretch",
}
"""The module that a transform imports when it is applied."""

COST_MS_PER_S: Mapping[str, float] = {
    "AddBackgroundNoise": 0.13,
    "AddColorNoise": 1.0,
    "AddGaussianNoise": 0.51,
    "AddGaussianSNR": 0.45,
    "AddShortNoises": 0.16,
    "AdjustDuration": 0.057,
    "AirAbsorption": 1.6,
    "Aliasing": 0.3,
    "ApplyImpulseResponse": 0.56,
    "BandPassFilter": 0.67,
    "BandStopFilter": 0.63,
    "BitCrush": 0.059,
    "Clip": 0.05,
    "ClippingDistortion": 0.39,
    "Gain": 0.047,
    "GainTransition": 0.24,
    "HighPassFilter": 0.49,
    "HighShelfFilter": 0.26,
    "Limiter": 0.13,
    "LoudnessNormalization": 0.19,
    "LowPassFilter": 0.48,
    "LowShelfFilter": 0.27,
    "Mp3Compression": 2.2,
    "Normalize": 0.1,
    "Padding": 0.085,
    "PeakingFilter": 0.26,
    "PitchShift": 3.9,
    "PolarityInversion": 0.041,
    "RepeatPart": 0.072,
    "Resample": 0.79,
    "Reverse": 0.059,
    "RoomSimulator": 70.0,
    "SevenBandParametricEQ": 1.6,
    "Shift": 0.061,
    "SpeedPerturb": 0.69,
    "TanhDistortion": 0.51,
    "TimeMask": 0.051,
    "TimeStretch": 4.2,
    "Trim": 0.19,
}
"""CPU milliseconds for one second of audio at 16 kHz with default parameters, checks included, on
one core of a small cloud machine: ``python -m benchmarks.transform_costs``."""

LOG_RANGES: Mapping[str, tuple[str, ...]] = {
    "AddGaussianNoise": ("amplitude",),
    "AirAbsorption": ("distance",),
    "Aliasing": ("sample_rate",),
    "BandPassFilter": ("center_freq", "bandwidth_fraction"),
    "BandStopFilter": ("center_freq", "bandwidth_fraction"),
    "HighPassFilter": ("cutoff_freq",),
    "HighShelfFilter": ("center_freq", "q"),
    "Limiter": ("attack", "release"),
    "LowPassFilter": ("cutoff_freq",),
    "LowShelfFilter": ("center_freq", "q"),
    "PeakingFilter": ("center_freq", "q"),
    "SpeedPerturb": ("rate",),
    "TanhDistortion": ("distortion",),
    "TimeStretch": ("rate",),
}
"""Ranges (without ``min_``, ``max_``) that lie above 0 and are drawn uniformly, or so in mel."""

SAMPLE_RATES: Mapping[str, tuple[int, ...]] = {
    "Mp3Compression": (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)
}
"""The only sample rates, in Hz, that a transform can take; others take any."""

_DB = (-200.0, 200.0)
_HZ = (0.1, 384000.0)
RANGES: Mapping[tuple[str, str], tuple[float | None, float | None]] = {
    ("*", "min_snr_db"): _DB,
    ("*", "max_snr_db"): _DB,
    ("*", "min_gain_db"): (-200.0, 60.0),
    ("*", "max_gain_db"): (-200.0, 60.0),
    ("*", "min_cutoff_freq"): _HZ,
    ("*", "max_cutoff_freq"): _HZ,
    ("*", "min_center_freq"): _HZ,
    ("*", "max_center_freq"): _HZ,
    ("*", "min_rolloff"): (6, 96),
    ("*", "max_rolloff"): (6, 96),
    ("*", "fade_duration"): (0.0, 60.0),
    ("*", "min_sample_rate"): (100, 384000),
    ("*", "max_sample_rate"): (100, 384000),
    ("AddColorNoise", "n_fft"): (16, 65536),
    ("AdjustDuration", "duration_samples"): (1, 400_000_000),
    ("AdjustDuration", "duration_seconds"): (0.0, 3600.0),
    ("BitCrush", "min_bit_depth"): (1, 32),
    ("BitCrush", "max_bit_depth"): (1, 32),
    ("ClippingDistortion", "min_percentile_threshold"): (0, 100),
    ("ClippingDistortion", "max_percentile_threshold"): (0, 100),
    ("Mp3Compression", "min_bitrate"): (8, 320),
    ("Mp3Compression", "max_bitrate"): (8, 320),
    ("Mp3Compression", "quality"): (0, 9),
    ("Padding", "min_fraction"): (0.0, 1.0),
    ("Padding", "max_fraction"): (0.0, 1.0),
    ("PitchShift", "min_semitones"): (-48.0, 48.0),
    ("PitchShift", "max_semitones"): (-48.0, 48.0),
    ("RepeatPart", "min_repeats"): (1, 100),
    ("RepeatPart", "max_repeats"): (1, 100),
    ("RoomSimulator", "max_order"): (0, 20),
    ("*", "min_rate"): (0.1, 10.0),
    ("*", "max_rate"): (0.1, 10.0),
}
"""Bounds by (transform, parameter); ``*`` is any transform. A typing error (3000
repeats, a filter of order 1000) would fill the memory of every worker."""
