"""Bytes and records to waveforms and clips: decoding, resampling, cutting."""
