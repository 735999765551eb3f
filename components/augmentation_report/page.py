"""Draws a `Report` as one self-contained HTML page."""

from __future__ import annotations

import base64
import hashlib
import importlib.resources

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from tfx_audio.components.augmentation_report.report_data import Report

PACKAGE = "tfx_audio.components.augmentation_report"
PAGE_FILE = "index.html"
PAGE_FILES = ("page.html", "page.css", "page.js")


def render_page(report: Report) -> bytes:
    """Return the page as UTF-8.

    Every value is escaped. A content security policy admits the page's own style and script by
    their digests, sounds and pictures from within the page, and nothing else: no network.
    """
    template, css, js = (
        importlib.resources.files(PACKAGE).joinpath(name).read_text(encoding="utf-8")
        for name in PAGE_FILES
    )
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    page = environment.from_string(template).render(
        report=report,
        css=Markup(css),
        js=Markup(js),
        content_security_policy=_content_security_policy(css, js),
    )
    # a file name that is no UTF-8 reaches here as lone surrogates
    return page.encode("utf-8", "replace")


def _content_security_policy(css: str, js: str) -> str:
    def source(text: str) -> str:
        digest = hashlib.sha256(text.encode("utf-8")).digest()
        return f"'sha256-{base64.b64encode(digest).decode('ascii')}'"

    return (
        "default-src 'none'; img-src data:; media-src data:; "
        f"style-src {source(css)}; script-src {source(js)}; base-uri 'none'; form-action 'none'"
    )
