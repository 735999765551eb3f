"""The explorer's sidebar: where the sound comes from."""

import json
from typing import Any

import streamlit as st

from tfx_audio.components.audio.clip import Clip
from tfx_audio.components.audio.errors import InvalidInput
from tfx_audio.components.audio_example_gen.config import IngestConfig
from tfx_audio.pipeline.clips.sound_folder import Sounds, list_sounds, single_clips
from tfx_audio.pipeline.explorer.listening import (
    MAX_CLIP_S,
    MAX_UPLOAD_MB,
    make_example_clip,
    read_clip,
    read_upload,
)
from tfx_audio.pipeline.explorer.messages import as_text, show_error

FOLDER, UPLOAD, RECORD, EXAMPLE = "from the folder", "upload", "record", "an example"
_SUFFIXES = ["wav", "flac", "ogg", "oga", "opus", "mp3", "aif", "aiff"]
_RATES = {"as recorded": 0, "8,000 Hz": 8000, "16,000 Hz": 16000, "22,050 Hz": 22050}


def choose_clip(source: dict[str, Any]) -> Clip | None:
    """Draw the controls; return the chosen clip, or None before one is chosen."""
    st.header("Sound")
    sources = [FOLDER, UPLOAD, RECORD] if source else [EXAMPLE, UPLOAD, RECORD]
    place = st.radio("Where from", sources, horizontal=True, key="source")
    rate = _RATES[
        st.selectbox(
            "Sample rate",
            list(_RATES),
            key="rate",
            help="A pipeline resamples all clips to one rate; choose yours to hear what it hears.",
        )
    ]
    try:
        if place == EXAMPLE:
            return make_example_clip(rate or 16_000)
        if place == FOLDER:
            return _from_folder(source, rate)
        return _from_browser(place, rate)
    except InvalidInput as error:
        show_error(error)
        return None


def _from_folder(source: dict[str, Any], rate: int) -> Clip | None:
    """Offer the folder's files, and nothing outside it."""
    found = _list(json.dumps(source))
    if found.rejections:
        first = found.rejections[0]
        st.caption(as_text(f"{len(found.rejections)} can't be used: {first.path}: {first.detail}"))
    clips = {one.rows[0].clip_id: one for one in single_clips(found.recordings)}
    clip_id = st.selectbox("Clip", list(clips), key="clip")
    return (
        None if clip_id is None else read_clip(clips[clip_id], rate or source.get("sample_rate", 0))
    )


def _from_browser(place: str, rate: int) -> Clip | None:
    if place == UPLOAD:
        given = st.file_uploader(
            f"Audio file, at most {MAX_UPLOAD_MB} MB and {MAX_CLIP_S:g} s",
            type=_SUFFIXES,
            key="upload",
        )
    else:
        given = st.audio_input(f"At most {MAX_CLIP_S:g} s", key="recording")
    if given is None:
        return None
    return read_upload(given.getvalue(), given.name, rate)


@st.cache_data(show_spinner="Listing the folder …", ttl=60)
def _list(source: str) -> Sounds:
    return list_sounds(IngestConfig(**json.loads(source)))
