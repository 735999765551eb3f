"""The explorer's page, run by Streamlit (`tfx-audio explore`)."""

import atexit
import tempfile
from collections.abc import Mapping

import streamlit as st

from tfx_audio.components.audio.clip import Clip
from tfx_audio.components.audio.errors import InvalidInput
from tfx_audio.components.audio.policy.augmentation_policy import AugmentationPolicy, load_policy
from tfx_audio.pipeline.commands.arguments import parse_banks, source_values
from tfx_audio.pipeline.commands.explore import page_options
from tfx_audio.pipeline.explorer import policy_controls, result_views, sound_controls
from tfx_audio.pipeline.explorer.messages import show_error
from tfx_audio.pipeline.explorer.policy_draft import PolicyDraft


def main() -> None:
    """Draw the page."""
    st.set_page_config(page_title="tfx-audio explorer", page_icon="🔊", layout="wide")
    options = page_options()
    banks = parse_banks(options.sound_bank)
    if "draft" not in st.session_state:
        st.session_state.draft = PolicyDraft.of(load_policy(options.policy))
    st.title("Augmentation explorer")
    st.caption(
        "Build a policy by ear and eye. The sounds come from the pipeline's own code: a run on the "
        "same clip, at the same rate, with this policy and seed, trains on exactly these copies."
    )
    with st.sidebar:
        clip = sound_controls.choose_clip(source_values(options))
        policy_controls.load_and_settings(st.session_state.draft)
    left, right = st.columns([2, 3], gap="large")
    with left:
        st.subheader("Transforms, in order")
        policy_controls.edit_steps(st.session_state.draft.steps, sorted(banks))
    with right:
        if clip is None:
            st.info("Choose, upload or record a sound to begin.")
        else:
            _show(st.session_state.draft, clip, banks)


def _show(draft: PolicyDraft, clip: Clip, banks: Mapping[str, str]) -> None:
    """Show what the draft makes of the clip, or say what is wrong with it."""
    try:
        policy = draft.to_policy()
        bank_dirs = _prepared(policy, banks, clip.sample_rate)
        result_views.show_results(draft, policy, clip, bank_dirs)
    except InvalidInput as error:
        result_views.show_clip("original", clip)
        show_error(error)


def _prepared(
    policy: AugmentationPolicy, banks: Mapping[str, str], sample_rate: int
) -> dict[str, str]:
    """Return the policy's banks at the clip's rate, each prepared once."""
    policy.check_banks(banks)
    return {name: _prepare_bank(name, banks[name], sample_rate) for name in policy.sound_banks}


@st.cache_resource(show_spinner="Preparing the sound bank …", max_entries=16)
def _prepare_bank(name: str, folder: str, sample_rate: int) -> str:
    """Prepare one bank in a folder that goes when the explorer ends; return the folder."""
    from tfx_audio.components.sound_bank.banks import prepare_bank

    root = tempfile.TemporaryDirectory(prefix="tfx-audio-bank-")
    atexit.register(root.cleanup)
    prepare_bank(name, folder, root.name, sample_rate)
    return root.name


if __name__ == "__main__":
    main()
