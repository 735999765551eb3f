"""The component's contract, and its executor on artifacts of a small run."""

import importlib.util
import json
from pathlib import Path

from tensorflow_metadata.proto.v0 import anomalies_pb2
from tfx.orchestration.experimental.interactive import visualizations
from tfx.types import artifact_utils, channel_utils, standard_artifacts

from tfx_audio.components.artifacts import AugmentationHtml, RejectedClips
from tfx_audio.components.augmentation_report.component import AugmentationReport
from tfx_audio.components.augmentation_report.executor import Executor

_SPEC = importlib.util.spec_from_file_location(
    "gather_run", Path(__file__).with_name("test_report_builder.py")
)
gather_run = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(gather_run)


def artifact(kind, uri, splits=()):
    made = kind()
    made.uri = str(uri)
    if splits:
        made.split_names = artifact_utils.encode_split_names(list(splits))
    return made


def write_anomalies(root):
    for split, feature in (("train", "duration_s"), ("test", "")):
        message = anomalies_pb2.Anomalies()
        if feature:
            message.anomaly_info[feature].reason.add(description="value too large <b>")
        folder = root / f"Split-{split}"
        folder.mkdir(parents=True)
        (folder / "SchemaDiff.pb").write_bytes(message.SerializeToString())
    return artifact(standard_artifacts.ExampleAnomalies, root, ("train", "test"))


def test_the_executor_writes_the_page(tmp_path):
    before, after, rejected = gather_run.write_run(tmp_path)
    output = artifact(AugmentationHtml, tmp_path / "report")
    Executor().Do(
        {
            "examples": [artifact(standard_artifacts.Examples, tmp_path / "examples", before)],
            "augmented_examples": [
                artifact(standard_artifacts.Examples, tmp_path / "augmented", after)
            ],
            "rejected": [artifact(RejectedClips, rejected)],
            "anomalies": [write_anomalies(tmp_path / "anomalies")],
        },
        {"report": [output]},
        {"model": '{"frontend": {"n_mels": 12}}', "clips_per_label": 1, "max_copies": 1},
    )
    page = (tmp_path / "report/index.html").read_text(encoding="utf-8")
    assert page.count('<article class="card"') == 4  # 2 labels, 2 clips under conditions
    assert "value too large &lt;b&gt;" in page
    assert "unreadable" in page


def channel(kind):
    return channel_utils.as_channel([kind()])


def test_the_cache_key_holds_the_front_end_and_not_the_rest_of_the_model():
    channels = {
        "examples": channel(standard_artifacts.Examples),
        "augmented_examples": channel(standard_artifacts.Examples),
    }
    model = {"frontend": {"n_mels": 12}, "spec_augment": {"policy": "LD"}, "dropout": 0.5}
    made = AugmentationReport(**channels, model=model, code_digest="x")
    assert json.loads(made.exec_properties["model"]) == {
        "frontend": {"n_mels": 12},
        "spec_augment": {"policy": "LD"},
    }
    assert AugmentationReport(**channels).exec_properties["model"] == ""
    assert len(AugmentationReport(**channels).exec_properties["code_digest"]) == 64
    assert set(made.inputs) == {"examples", "augmented_examples"}
    assert made.outputs["report"].type is AugmentationHtml


def test_a_notebook_shows_the_page_in_a_frame_of_its_own(tmp_path, monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", shown.append)
    (tmp_path / "index.html").write_text('<p title="x">a &amp; b</p>', encoding="utf-8")
    registry = visualizations.get_registry()
    registry.get_visualization(AugmentationHtml.TYPE_NAME).display(
        artifact(AugmentationHtml, tmp_path)
    )
    assert 'srcdoc="&lt;p title=&quot;x&quot;&gt;a &amp;amp; b&lt;/p&gt;"' in shown[0].data
    assert 'sandbox="allow-scripts"' in shown[0].data
