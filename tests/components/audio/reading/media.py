"""Files of many formats, made in memory: by libsndfile, and by FFmpeg's encoders."""

import io

import av
import numpy as np
import soundfile

# Name: container, codec and sample rate of FFmpeg's encoders.
MEDIA = {
    "m4a": ("ipod", "aac", 44100),
    "mp4": ("mp4", "aac", 44100),
    "mov": ("mov", "pcm_s16be", 16000),
    "alac": ("ipod", "alac", 16000),
    "3gp": ("3gp", "aac", 16000),
    "webm": ("webm", "libopus", 48000),
    "mka": ("matroska", "aac", 44100),
    "mkv": ("matroska", "pcm_s16le", 16000),
    "adts": ("adts", "aac", 44100),
    "ac3": ("ac3", "ac3", 48000),
    "eac3": ("eac3", "eac3", 48000),
    "wma": ("asf", "wmav2", 44100),
    "mp2": ("mp2", "mp2", 16000),
    "mp3": ("mp3", "libmp3lame", 16000),
    "avi": ("avi", "libmp3lame", 44100),
    "flv": ("flv", "libmp3lame", 44100),
    "ts": ("mpegts", "mp2", 48000),
    "opus": ("ogg", "libopus", 48000),
    "wv": ("wv", "wavpack", 16000),
    "tta": ("tta", "tta", 16000),
    "wav_adpcm": ("wav", "adpcm_ms", 16000),
    "caf_alac": ("caf", "alac", 16000),
}
SOUND_FILES = {
    "wav": ("WAV", "PCM_16"),
    "wavex": ("WAVEX", "FLOAT"),
    "flac": ("FLAC", "PCM_16"),
    "ogg": ("OGG", "VORBIS"),
    "aiff": ("AIFF", "PCM_24"),
    "au": ("AU", "PCM_16"),
    "caf": ("CAF", "PCM_16"),
    "w64": ("W64", "PCM_16"),
    "rf64": ("RF64", "PCM_16"),
}


def sine(rate, seconds=1.0, hz=600.0, amplitude=0.5):
    return amplitude * np.sin(2 * np.pi * hz * np.arange(round(rate * seconds)) / rate)


def sound_file(name, waveform, rate=16000):
    buffer = io.BytesIO()
    file_format, subtype = SOUND_FILES[name]
    soundfile.write(buffer, waveform, rate, format=file_format, subtype=subtype)
    return buffer.getvalue()


def media_file(name, seconds=1.0, hz=600.0, options=None):
    container, codec, rate = MEDIA[name]
    buffer = io.BytesIO()
    with av.open(buffer, "w", format=container, options=options or {}) as out:
        track = out.add_stream(codec, rate=rate, layout="mono")
        samples = sine(rate, seconds, hz).astype(np.float32)[np.newaxis]
        frame = av.AudioFrame.from_ndarray(samples, format="fltp", layout="mono")
        frame.sample_rate = rate
        track.bit_rate = 64000
        track.codec_context.open()
        size = track.codec_context.frame_size
        resampler = av.AudioResampler(track.format.name, "mono", rate, frame_size=size)
        for part in [*resampler.resample(frame), *resampler.resample(None)]:
            out.mux(track.encode(part))
        out.mux(track.encode(None))
    return buffer.getvalue()


def any_file(name, seconds=1.0):
    if name in MEDIA:
        return media_file(name, seconds)
    return sound_file(name, sine(16000, seconds))
