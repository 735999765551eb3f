"""The page: escaped, self-contained, accessible by structure."""

import base64
import hashlib
import html.parser
import itertools
import re

import numpy as np
import pytest

from tfx_audio.components.audio.clip import Clip
from tfx_audio.components.audio.rejection import Rejection
from tfx_audio.components.audio_schema_gen.anomalies import Anomaly
from tfx_audio.components.augmentation_report.clip_views import build_family_views, read_steps
from tfx_audio.components.augmentation_report.page import render_page
from tfx_audio.components.augmentation_report.report_data import LabelRow, Report, TransformUse
from tfx_audio.components.augmentation_report.sampling import Family

EVIL = "<script>alert('x')</script>\"&amp; 🐄 \u202eгав"


class Page(html.parser.HTMLParser):
    """Collects tags, their attributes, and text by tag."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.text, self._open = [], [], []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self._open.append(tag)

    def handle_endtag(self, tag):
        if tag in self._open:
            while self._open.pop() != tag:
                pass

    def handle_data(self, data):
        if not self._open or self._open[-1] not in ("script", "style"):
            self.text.append(data)

    def all(self, tag):
        return [attrs for name, attrs in self.tags if name == tag]


def clip(name=EVIL, label=EVIL):
    waveform = (0.3 * np.sin(np.arange(8_000) / 5)).astype(np.float32)
    return Clip(name, waveform, 8_000, label=label)


@pytest.fixture(scope="module")
def page():
    original = clip()
    steps = '{"transforms":[{"name":"Gain","parameters":{"file":"<b>&\\"\'","gain_db":-6.0}}]}'
    copy = original.replace(clip_id="x~1", source_clip_id=EVIL, copy_index=1, augmentation=steps)
    views, _ = build_family_views(
        [(EVIL, Family(original, (copy,))), ("b", Family(clip("b", "b"), ()))], {}
    )
    report = Report(
        title=EVIL,
        summary=((EVIL, EVIL),),
        families=views,
        conditions=views[:1],
        labels=(LabelRow("train", EVIL, 1, 2, 3.0, 4.0),),
        transforms=(TransformUse(EVIL, 1, 0.5, None),),
        rejected_counts={("ingest", EVIL): 3},
        rejected=(Rejection(EVIL, EVIL, "ingest", EVIL, EVIL),),
        anomalies=(Anomaly("train", EVIL, "odd", EVIL),),
        policy=EVIL,
        provenance=((EVIL, EVIL),),
        notes=(EVIL,),
    )
    return render_page(report).decode("utf-8")


def test_whatever_comes_from_outside_is_text(page):
    parsed = Page(page)
    assert len(parsed.all("script")) == 1
    assert page.count("<script") == 1
    assert sum(text.count(EVIL) for text in parsed.text) >= 15
    assert "<b>&\"'" in "".join(parsed.text)
    assert all(not name.startswith("on") for _, attrs in parsed.tags for name in attrs)


def test_nothing_is_fetched_from_anywhere(page):
    parsed = Page(page)
    sources = [
        value
        for _, attrs in parsed.tags
        for name, value in attrs.items()
        if name in ("src", "href", "srcset", "action", "poster") and not value.startswith("#")
    ]
    assert sources
    assert all(value.startswith("data:") for value in sources)
    assert "@import" not in page
    assert "url(" not in page


def test_the_policy_admits_this_style_and_script_and_no_network(page):
    (policy,) = [
        attrs["content"]
        for attrs in Page(page).all("meta")
        if attrs.get("http-equiv") == "Content-Security-Policy"
    ]
    assert policy.startswith("default-src 'none'; img-src data:; media-src data:;")
    for tag in ("style", "script"):
        text = re.search(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL).group(1)
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
    assert "unsafe" not in policy
    assert "style=" not in page


def test_pictures_have_words_and_players_have_names(page):
    parsed = Page(page)
    assert all(attrs["alt"] for attrs in parsed.all("img"))
    assert all(
        attrs.get("aria-label") or attrs.get("aria-hidden") == "true" for attrs in parsed.all("svg")
    )
    assert all(attrs["aria-label"] for attrs in parsed.all("audio"))
    assert parsed.all("html") == [{"lang": "en"}]
    assert all(attrs.get("scope") for attrs in parsed.all("th"))


def test_headings_step_down_one_at_a_time_and_ids_are_unique(page):
    parsed = Page(page)
    levels = [int(tag[1]) for tag, _ in parsed.tags if re.fullmatch(r"h\d", tag)]
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))
    ids = [attrs["id"] for _, attrs in parsed.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    targets = {attrs["href"][1:] for attrs in parsed.all("a")}
    assert targets <= set(ids)


def test_a_name_that_is_no_unicode_does_not_stop_the_page():
    views, _ = build_family_views([("a", Family(clip("bad\udcff.wav", "a"), ()))], {})
    assert b"bad?.wav" in render_page(Report(title="t", summary=(), families=views))


def test_an_empty_report_is_a_page_too():
    page = render_page(Report(title="Nothing", summary=(), families=())).decode()
    assert "There is no clip to show." in page
    assert "Nothing was rejected." in page


def test_steps_are_read_in_order_with_what_was_drawn():
    steps = list(
        read_steps(
            '{"transforms":[{"name":"OneOf","transforms":[{"name":"Gain","parameters":'
            '{"gain_db":-6.02059}}]},{"name":"Shift","parameters":{"should_apply":true,'
            '"file":"rain/1.wav","list":[1,2]}}]}'
        )
    )
    assert [(step.name, dict(step.parameters)) for step in steps] == [
        ("Gain", {"gain_db": "-6.021"}),
        ("Shift", {"file": "rain/1.wav", "list": "[1, 2]"}),
    ]
    assert list(read_steps("{}")) == []
