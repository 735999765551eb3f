"""Messages on the explorer's page, shown as the text that they are."""

import re

import streamlit as st

_MARKUP = re.compile(r"([\\`*_{}\[\]()#+\-.!|<>$:~])")


def show_error(error: Exception) -> None:
    """Show an error; a file name or a policy in it can't become markup, links or pictures."""
    st.error(as_text(str(error)), icon="⚠️")


def as_text(text: str) -> str:
    """Escape what Markdown would take for markup.

    A picture in a loaded policy's text would else be fetched from another machine.
    """
    return _MARKUP.sub(r"\\\1", text)
