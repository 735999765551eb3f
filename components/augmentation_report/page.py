"""Draws a report as one self-contained HTML page."""

import base64
import hashlib
import importlib.resources
from typing import Any

from jinja2 import DictLoader, Environment, StrictUndefined
from markupsafe import Markup

PAGE_FILE = "index.html"
REPORT_PAGE = "tfx_audio.components.augmentation_report:page"
_SHARED = ("layout.html", "cards.html", "page.css", "page.js")


def page_data(page: str = REPORT_PAGE) -> list[str]:
    """Return a page's data files: what all pages share, then its template, style and script.

    Args:
      page: ``package:name`` of what a page has of its own.
    """
    shared = [f"{REPORT_PAGE.partition(':')[0]}:{name}" for name in _SHARED]
    return [*shared, *(f"{page}.{kind}" for kind in ("html", "css", "js"))]


def render_page(report: Any, page: str = REPORT_PAGE) -> bytes:
    """Return a page as UTF-8.

    Every value is escaped. A content security policy admits the page's own style and script by
    their digests, sounds and pictures from within the page, and nothing else: no network.
    """
    files = {name.partition(":")[2]: _text(name) for name in page_data(page)}
    css, js = ("".join(files[n] for n in files if n.endswith(kind)) for kind in (".css", ".js"))
    environment = Environment(
        loader=DictLoader(files),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    drawn = environment.get_template(f"{page.partition(':')[2]}.html").render(
        report=report,
        css=Markup(css),
        js=Markup(js),
        content_security_policy=_content_security_policy(css, js),
    )
    # a file name that is no UTF-8 reaches here as lone surrogates
    return drawn.encode("utf-8", "replace")


def _text(data: str) -> str:
    package, _, name = data.partition(":")
    return importlib.resources.files(package).joinpath(name).read_text(encoding="utf-8")


def _content_security_policy(css: str, js: str) -> str:
    def source(text: str) -> str:
        digest = hashlib.sha256(text.encode("utf-8")).digest()
        return f"'sha256-{base64.b64encode(digest).decode('ascii')}'"

    return (
        "default-src 'none'; img-src data:; media-src data:; "
        f"style-src {source(css)}; script-src {source(js)}; base-uri 'none'; form-action 'none'"
    )
