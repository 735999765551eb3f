"""Layouts: each that is shipped is recognised by its files and read as its data set means it."""

import json
from collections import Counter

import pytest

from tfx_audio.components.audio.errors import InvalidInput
from tfx_audio.components.audio_example_gen.listing.layout import (
    layout_schema,
    load_layout,
    shipped_layouts,
)

WAV = None  # in the trees below: a file of audio, not of text
ESC = "filename,fold,target,category,esc10,src_file,take\n"
CUT = {
    "start": 0.0, "duration": 0.05, "recording": {"sources": [{"source": "a.wav"}]},
    "supervisions": [{"speaker": "ann", "custom": {"label": "yes"}}],
}  # fmt: skip

# By layout: the tree, and by clip id (label, split, group).
TREES = {
    "urbansound8k": (
        {
            "metadata/UrbanSound8K.csv": "slice_file_name,fsID,start,end,salience,fold,classID,"
            "class\n"
            "7-3-0-0.wav,7,4.5,8.5,1,1,3,dog_bark\n8-8-0-0.wav,8,0,4,2,10,8,siren\n",
            "audio/fold1/7-3-0-0.wav": WAV,
            "audio/fold10/8-8-0-0.wav": WAV,
        },
        {
            "audio/fold1/7-3-0-0.wav": ("dog_bark", "", "1"),
            "audio/fold10/8-8-0-0.wav": ("siren", "", "10"),
        },
    ),
    "speech-commands": (
        {
            "validation_list.txt": "yes/b1_nohash_0.wav\n",
            "testing_list.txt": "no/c1_nohash_0.wav\n",
            "yes/a1_nohash_0.wav": WAV,
            "yes/b1_nohash_0.wav": WAV,
            "no/c1_nohash_0.wav": WAV,
            "_background_noise_/pink_noise.wav": WAV,
            "README.md": "words",
        },
        {
            "yes/a1_nohash_0.wav": ("yes", "train", "a1"),
            "yes/b1_nohash_0.wav": ("yes", "eval", "b1"),
            "no/c1_nohash_0.wav": ("no", "test", "c1"),
        },
    ),
    "esc-50": (
        {
            "meta/esc50.csv": ESC + "1-1-A-0.wav,1,0,dog,True,1,A\n5-2-A-1.wav,5,1,cow,False,2,A\n",
            "audio/1-1-A-0.wav": WAV,
            "audio/5-2-A-1.wav": WAV,
        },
        {"audio/1-1-A-0.wav": ("dog", "", "1"), "audio/5-2-A-1.wav": ("cow", "", "5")},
    ),
    "fsd50k": (
        {
            "FSD50K.ground_truth/dev.csv": 'fname,labels,mids,split\n1,"Dog,Bark",/m/1,train\n'
            '2,"Siren",/m/2,val\n',
            "FSD50K.ground_truth/eval.csv": 'fname,labels,mids\n3,"Bark,Dog",/m/1\n',
            "FSD50K.dev_audio/1.wav": WAV,
            "FSD50K.dev_audio/2.wav": WAV,
            "FSD50K.eval_audio/3.wav": WAV,
        },
        {
            "FSD50K.dev_audio/1.wav": ("Bark\nDog", "train", ""),
            "FSD50K.dev_audio/2.wav": ("Siren", "eval", ""),
            "FSD50K.eval_audio/3.wav": ("Bark\nDog", "test", ""),
        },
    ),
    "gtzan": (
        {
            "genres_original/blues/blues.00000.wav": WAV,
            "genres_original/rock/rock.00031.wav": WAV,
            "genres_original/rock/rock.00032.wav": WAV,
            "train_filtered.txt": "blues/blues.00000.wav\n",
            "valid_filtered.txt": "rock/rock.00031.wav\n",
            "test_filtered.txt": "rock/none.wav\n",
        },
        {
            "genres_original/blues/blues.00000.wav": ("blues", "train", ""),
            "genres_original/rock/rock.00031.wav": ("rock", "eval", ""),
        },
    ),
    "ravdess": (
        {"Actor_01/03-01-05-01-02-01-01.wav": WAV, "Actor_02/03-01-01-01-02-01-02.wav": WAV},
        {
            "Actor_01/03-01-05-01-02-01-01.wav": ("angry", "", "01"),
            "Actor_02/03-01-01-01-02-01-02.wav": ("neutral", "", "02"),
        },
    ),
    "crema-d": (
        {"AudioWAV/1001_DFA_ANG_XX.wav": WAV, "AudioWAV/1002_IEO_SAD_HI.wav": WAV},
        {
            "AudioWAV/1001_DFA_ANG_XX.wav": ("anger", "", "1001"),
            "AudioWAV/1002_IEO_SAD_HI.wav": ("sad", "", "1002"),
        },
    ),
    "common-voice": (
        {
            "xx/train.tsv": 'client_id\tpath\tsentence\tgender\nid1\ta.mp3\tHe said "go.\tfemale\n'
            "id2\tb.mp3\tNothing\t\n",
            "xx/dev.tsv": 'client_id\tpath\tsentence\tgender\nid3\tc.mp3\t"No\tmale\n',
            "xx/test.tsv": "client_id\tpath\tsentence\tgender\nid4\td.mp3\tYes\tmale\n",
            **{f"xx/clips/{name}.mp3": WAV for name in "abcd"},
        },
        {
            "xx/clips/a.mp3": ("female", "train", "id1"),
            "xx/clips/c.mp3": ("male", "eval", "id3"),
            "xx/clips/d.mp3": ("male", "test", "id4"),
        },
    ),
    "dcase-tau": (
        {
            "meta.csv": "filename\tscene_label\tidentifier\tsource_label\n"
            + "".join(f"audio/{n}.wav\tbus\tlyon-{n}\ta\n" for n in (1, 2, 3, 4)),
            "evaluation_setup/fold1_train.csv": "filename\tscene_label\naudio/1.wav\tbus\n",
            "evaluation_setup/fold1_evaluate.csv": "filename\tscene_label\naudio/2.wav\tbus\n",
            "evaluation_setup/fold1_test.csv": "filename\naudio/3.wav\n",
            **{f"audio/{n}.wav": WAV for n in (1, 2, 3, 4)},
        },
        {
            "audio/1.wav": ("bus", "train", "lyon-1"),
            "audio/2.wav": ("bus", "eval", "lyon-2"),
            "audio/3.wav": ("bus", "test", "lyon-3"),
        },
    ),
    "birdclef": (
        {
            "train_metadata.csv": "primary_label,secondary_labels,author,filename\n"
            "owl,\"['frog', 'ant']\",Ann,owl/1.ogg\nfrog,[],Ben,frog/2.ogg\n",
            "train_audio/owl/1.ogg": WAV,
            "train_audio/frog/2.ogg": WAV,
        },
        {
            "train_audio/owl/1.ogg": ("ant\nfrog\nowl", "", "Ann"),
            "train_audio/frog/2.ogg": ("frog", "", "Ben"),
        },
    ),
    "audioset": (
        {
            "balanced_train_segments.csv": "# made\n# YTID, start_seconds, end_seconds, labels\n"
            '-a_, 30.000, 40.000, "/m/1,/m/2"\ngone, 0.000, 10.000, "/m/1"\n',
            "eval_segments.csv": '# YTID, start_seconds\nb, 0.000, 10.000, "/m/2"\n',
            "class_labels_indices.csv": "index,mid,display_name\n"
            '0,/m/1,"Speech, male"\n1,/m/2,Dog\n',
            "audio/-a_.wav": WAV,
            "audio/Yb.wav": WAV,
        },
        {"-a_": ("Dog\nSpeech, male", "train", ""), "b": ("Dog", "test", "")},
    ),
    "kaldi": (
        {
            "wav.scp": "rec0 wav/rec 0.wav\nrec1 sph2pipe -f wav rec1.sph |\n",
            "segments": "rec0_a rec0 0.0 0.02\nrec0_b rec0 0.02 0.05\nrec1_a rec1 0 1\n",
            "utt2spk": "rec0_a ann\nrec0_b ben\nrec1_a ben\n",
            "utt2label": "rec0_a low\nrec0_b high\nrec1_a low\n",
            "wav/rec 0.wav": WAV,
        },
        {"rec0_a": ("low", "", "ann"), "rec0_b": ("high", "", "ben")},
    ),
    "nemo": (
        {
            "train_manifest.json": '{"audio_filepath": "a.wav", "command": "go"}\n',
            "validation_manifest.json": '{"audio_filepath": "b.wav", "command": "stop"}\n',
            "a.wav": WAV,
            "b.wav": WAV,
        },
        {"a.wav": ("go", "train", ""), "b.wav": ("stop", "eval", "")},
    ),
    "speechbrain": (
        {
            "train.json": json.dumps({"u1": {"wav": "{data_root}/a.wav", "label": "x"}}),
            "valid.json": json.dumps({"u2": {"wav": "{data_root}/b.wav", "label": "y"}}),
            "a.wav": WAV,
            "b.wav": WAV,
        },
        {"u1": ("x", "train", ""), "u2": ("y", "eval", "")},
    ),
    "lhotse": (
        {
            "cuts_train.jsonl": json.dumps({"id": "c1", **CUT}) + "\n",
            "cuts_dev.jsonl": json.dumps({"id": "c2", **CUT}) + "\n",
            "a.wav": WAV,
        },
        {"c1": ("yes", "train", "ann"), "c2": ("yes", "eval", "ann")},
    ),
    "audacity": (
        {
            "night0.txt": "0.000000\t0.020000\towl\n\\\t100.0\t900.0\n0.020000\t0.050000\tfrog\n",
            "night0.wav": WAV,
        },
        {
            "night0.wav#0.000-0.020": ("owl", "", "night0"),
            "night0.wav#0.020-0.050": ("frog", "", "night0"),
        },
    ),
    "huggingface": (
        {
            "train/metadata.csv": "file_name,label\na.wav,x\n",
            "test/metadata.csv": "file_name,label\nb.wav,y\n",
            "train/a.wav": WAV,
            "test/b.wav": WAV,
        },
        {"train/a.wav": ("x", "train", ""), "test/b.wav": ("y", "test", "")},
    ),
}
FLAGS = {"common-voice": {"columns": {"label": "gender"}}}


def plant(root, tree, write):
    for name, text in tree.items():
        if text is WAV:
            write(root / name)
        else:
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text)


@pytest.mark.parametrize("name", TREES)
def test_a_data_set_is_recognised_and_read(tmp_path, name, write, listed, all_rows):
    tree, expected = TREES[name]
    plant(tmp_path, tree, write)
    listing = listed(tmp_path, **FLAGS.get(name, {}))
    rows = all_rows(listing)
    assert {key: (row.label, row.split, row.group) for key, row in rows.items()} == expected
    assert listing.config.layout == name
    assert listing.notes[0].startswith(f"the layout of {shipped_layouts()[name].title}: ")
    refused = Counter(rejection.reason for rejection in listing.rejections)
    assert refused == ({"command": 1} if name == "kaldi" else {})


def test_every_table_and_every_pattern_of_names_that_is_shipped_is_tried():
    assert set(TREES) == set(shipped_layouts()) - {"esc-10", "parquet", "webdataset"}


def test_what_a_layout_says_is_the_same_when_it_is_asked_for(tmp_path, write, listed):
    plant(tmp_path, TREES["urbansound8k"][0], write)
    asked = listed(tmp_path, layout="UrbanSound8K".lower())
    assert asked.recordings == listed(tmp_path).recordings
    again = listed(tmp_path, **asked.config.model_dump(exclude={"path"}))
    assert (again.recordings, again.config) == (asked.recordings, asked.config)


def test_urbansound8ks_start_and_end_are_places_in_the_original(tmp_path, write, listed, all_rows):
    plant(tmp_path, TREES["urbansound8k"][0], write)
    rows = all_rows(listed(tmp_path))
    assert not any(row.is_piece for row in rows.values())
    assert rows["audio/fold1/7-3-0-0.wav"].fields == {"fold": "1", "fsID": "7", "salience": "1"}


def test_esc_10_is_the_rows_of_esc_50_that_say_so(tmp_path, write, listed, all_rows):
    plant(tmp_path, TREES["esc-50"][0], write)
    assert set(all_rows(listed(tmp_path, layout="esc-10"))) == {"audio/1-1-A-0.wav"}


def test_the_noise_of_speech_commands_is_offered_as_a_sound_bank(tmp_path, write, listed):
    plant(tmp_path, TREES["speech-commands"][0], write)
    listing = listed(tmp_path)
    assert f"--sound-bank background={tmp_path}/_background_noise_" in listing.notes[0]
    assert listing.ignored_counts == {".md": 1, ".txt": 2, "no clip": 1}


def test_what_a_layout_leaves_out_is_counted(tmp_path, write, listed):
    for name, counted in (
        ("dcase-tau", {"in no list of splits": 1}),
        ("audioset", {"row without its audio": 1}),
        ("common-voice", {"without a label": 1}),
    ):
        plant(tmp_path / name, TREES[name][0], write)
        counts = listed(tmp_path / name, **FLAGS.get(name, {})).ignored_counts
        assert {key: n for key, n in counts.items() if key in counted} == counted


def test_common_voice_asks_which_column_is_the_label(tmp_path, write, listed):
    plant(tmp_path, TREES["common-voice"][0], write)
    with pytest.raises(InvalidInput, match=r"data\.columns.label=gender says which"):
        listed(tmp_path)


def test_a_data_set_in_a_folder_of_the_root_is_found_and_two_are_asked_about(
    tmp_path, write, listed, all_rows
):
    plant(tmp_path / "UrbanSound8K", TREES["urbansound8k"][0], write)
    assert set(all_rows(listed(tmp_path))) == {
        f"UrbanSound8K/{name}" for name in TREES["urbansound8k"][1]
    }
    plant(tmp_path / "again", TREES["urbansound8k"][0], write)
    with pytest.raises(InvalidInput, match=r"is found in .*again.*--data names one"):
        listed(tmp_path)


def test_two_formats_are_asked_about(tmp_path, write, listed, all_rows):
    write(tmp_path / "a.wav")
    (tmp_path / "metadata.csv").write_text("file_name,label\na.wav,x\n")
    (tmp_path / "manifest.jsonl").write_text('{"audio_filepath": "a.wav", "label": "y"}\n')
    with pytest.raises(InvalidInput, match=r"huggingface and nemo\. --layout says which"):
        listed(tmp_path)
    (row,) = all_rows(listed(tmp_path, layout="nemo")).values()
    assert row.label == "y"


def test_none_switches_layouts_off(tmp_path, write, listed, all_rows):
    write(tmp_path / "dog" / "a.wav")
    write(tmp_path / "cat" / "b.wav")
    (tmp_path / "metadata.csv").write_text("file_name,label\ndog/a.wav,x\n")
    listing = listed(tmp_path)
    assert {row.label for row in all_rows(listing).values()} == {"x"}
    assert listing.ignored_counts["not in metadata.csv"] == 1
    assert "metadata.csv names 1 audio files and not 1 others, for instance" in listing.notes[1]
    off = listed(tmp_path, layout="none")
    assert {row.label for row in all_rows(off).values()} == {"dog", "cat"}


def test_a_layout_of_ones_own_is_a_file(tmp_path, write, listed, all_rows):
    write(tmp_path / "data" / "rec" / "a.wav")
    (tmp_path / "data" / "list.txt").write_text("a;dog\n")
    (tmp_path / "mine.yaml").write_text(
        "title: mine\ntables: [{file: list.txt, columns: [name, what]}]\n"
        "audio: rec/{name}.wav\ncolumns: {label: what}\nlabel_names: {dog: Dog}\n"
    )
    listing = listed(tmp_path / "data", layout=str(tmp_path / "mine.yaml"))
    (row,) = all_rows(listing).values()
    assert row.label == "Dog"
    (tmp_path / "mine.yaml").unlink()  # what runs elsewhere has the content, not the file
    assert set(all_rows(listed(tmp_path / "data", layout=listing.config.layout))) == {"rec/a.wav"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("title: x\ntabels: []\n", "tabels"),
        ("tables: [{split: train}]\n", "title.*Field required"),
        ("{", "not YAML"),
    ],
)
def test_a_layout_that_is_none_is_refused(tmp_path, text, message):
    (tmp_path / "mine.yaml").write_text(text)
    with pytest.raises(InvalidInput, match=message):
        load_layout(str(tmp_path / "mine.yaml"))


def test_a_layout_that_is_not_known_is_refused():
    with pytest.raises(InvalidInput, match="Did you mean 'urbansound8k'"):
        load_layout("urbansound")


def test_the_schema_beside_the_layouts_is_that_of_the_code():
    from importlib import resources

    folder = resources.files("tfx_audio.components.audio_example_gen.layouts")
    assert (folder / "layout.schema.json").read_text(encoding="utf-8") == layout_schema()


@pytest.mark.parametrize(
    ("folders", "kind"),
    [
        (("fold1", "fold2", "fold10"), "folds"),
        (("Actor_01", "Actor_02"), "speakers"),
        (("train", "test"), "splits"),
    ],
)
def test_folders_that_are_no_classes_are_asked_about(tmp_path, folders, kind, write, listed):
    for folder in folders:
        write(tmp_path / folder / "a.wav")
    with pytest.raises(InvalidInput, match=f"look like {kind}.*--label-from.*--layout none"):
        listed(tmp_path)
    assert listed(tmp_path, layout="none").labels == sorted(folders)


def test_numbered_classes_are_classes(tmp_path, write, listed):
    for folder in ("001 - Dog bark", "002 - Rain", "7", "8", "class_1"):
        write(tmp_path / folder / "a.wav")
    assert len(listed(tmp_path).labels) == 5


def test_several_manifests_one_a_split(tmp_path, write, listed, all_rows):
    for name, label in (("a", "x"), ("b", "y"), ("c", "x")):
        write(tmp_path / f"{name}.wav")
        (tmp_path / f"{name}.csv").write_text(f"path,label\n{name}.wav,{label}\n")
    listing = listed(tmp_path, manifest=("train=a.csv", "dev=b.csv", "test=c.csv"))
    assert {key: row.split for key, row in all_rows(listing).items()} == {
        "a.wav": "train", "b.wav": "eval", "c.wav": "test",
    }  # fmt: skip
    for new, old in (("my_train.csv", "a.csv"), ("my_valid.csv", "b.csv")):
        (tmp_path / old).rename(tmp_path / new)
    named = listed(tmp_path, manifest=("my_train.csv", "my_valid.csv"))
    assert named.given_splits == {"train", "eval"}
