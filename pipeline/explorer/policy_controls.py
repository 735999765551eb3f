"""The explorer's controls for a policy: load, settings, and a form for every step."""

from typing import Any

import streamlit as st

from tfx_audio.components.audio.errors import InvalidInput
from tfx_audio.components.audio.policy.augmentation_policy import (
    load_policy,
    parse_policy,
    preset_names,
)
from tfx_audio.components.audio.policy.check import COMPOSITIONS, policy_schema
from tfx_audio.pipeline.explorer.form_fields import (
    Field,
    cost_of,
    description_of,
    fields_of,
    transform_choices,
)
from tfx_audio.pipeline.explorer.messages import show_error
from tfx_audio.pipeline.explorer.policy_draft import DraftStep, PolicyDraft, move

MAX_WHOLE = 2**53 - 1  # what a browser's numbers hold
_MAX_DEPTH = 3


def fits_page(*values: float) -> bool:
    """Return whether a browser can show and change the values."""
    return all(abs(value) <= MAX_WHOLE for value in values)


def load_and_settings(draft: PolicyDraft) -> None:
    """Draw what loads a policy, and its settings."""
    st.header("Policy")
    preset = st.selectbox("Start from a preset", preset_names(), key="preset")
    if st.button("Load the preset", key="load_preset"):
        _replace_draft(load_policy(preset))
    given = st.file_uploader("Load a policy file", type=["yaml", "yml", "json"], key="policy_file")
    if given is not None and st.session_state.get("loaded_policy") != given.file_id:
        st.session_state.loaded_policy = given.file_id
        try:
            _replace_draft(parse_policy(given.getvalue().decode("utf-8"), given.name))
        except (InvalidInput, UnicodeDecodeError) as error:
            show_error(error)
    st.subheader("Settings")
    settings, key = draft.settings, id(draft)
    if fits_page(settings["seed"]):
        settings["seed"] = st.number_input(
            "Seed", -MAX_WHOLE, MAX_WHOLE, settings["seed"], key=f"seed-{key}"
        )
    else:
        st.text(f"Seed: {settings['seed']} (as loaded)")
    settings["copies_per_clip"] = st.number_input(
        "Copies per clip", 0, 1000, settings["copies_per_clip"], key=f"copies-{key}"
    )
    settings["keep_originals"] = st.checkbox(
        "Keep the originals", settings["keep_originals"], key=f"keep-{key}"
    )
    for name, title in (("balance", "Balance"), ("level", "Above full scale")):
        rules = policy_schema()["properties"][name]["enum"]
        settings[name] = st.selectbox(
            title, rules, rules.index(settings[name]), key=f"{name}-{key}"
        )
    if draft.rest.get("labels"):
        st.caption("Kept as loaded, and applied: changes by label.")


def _replace_draft(policy: Any) -> None:
    st.session_state.draft = PolicyDraft.of(policy)
    st.rerun()


def edit_steps(steps: list[DraftStep], banks: list[str], depth: int = 0, owner: int = 0) -> None:
    """Draw the forms of all steps, and what adds another."""
    _add_step(steps, depth, owner)
    for index, step in enumerate(list(steps)):
        with st.container(border=True):
            _heading(steps, index, step)
            for field in fields_of(step.name):
                _control(step, field, banks)
            if step.name in COMPOSITIONS:
                edit_steps(step.steps, banks, depth + 1, step.identity)


def _add_step(steps: list[DraftStep], depth: int, owner: int) -> None:
    """Draw what adds a step at the end; below some depth there are no more groups."""
    choices = (
        transform_choices() if depth < _MAX_DEPTH else transform_choices()[: -len(COMPOSITIONS)]
    )
    name = st.selectbox(
        "Add a transform" if depth == 0 else "Add a transform to the group",
        choices,
        index=None,
        placeholder="choose one",
        key=f"add-{owner}-{len(steps)}-{sum(step.identity for step in steps)}",
    )
    if name:
        steps.append(DraftStep.new(name))
        st.rerun()


def _heading(steps: list[DraftStep], index: int, step: DraftStep) -> None:
    cost = cost_of(step.name)
    note = f" :gray[≈ {cost:g} ms per second of audio]" if cost is not None else ""
    st.markdown(f"**{index + 1}. {step.name}**{note}", help=description_of(step.name) or None)
    with st.container(horizontal=True):
        for text, by in (("↑", -1), ("↓", 1)):
            at_end = not 0 <= index + by < len(steps)
            where = "up" if by < 0 else "down"
            if st.button(
                text, key=f"{where}-{step.identity}", disabled=at_end, help=f"Move {where}"
            ):
                move(steps, index, by)
                st.rerun()
        if st.button("Remove", key=f"remove-{step.identity}"):
            del steps[index]
            st.rerun()


def _control(step: DraftStep, field: Field, banks: list[str]) -> None:
    """Draw one control and keep its value in the step."""
    key, name = f"{field.names[0]}-{step.identity}", field.names[0]
    if field.kind == "range":
        _range_control(step, field, key)
    elif field.kind == "choice":
        value = step.values.get(name, field.default)
        step.values[name] = st.selectbox(
            field.label, field.choices, field.choices.index(value), key=key, help=field.text or None
        )
    elif field.kind == "switch":
        step.values[name] = st.checkbox(
            field.label, step.values.get(name, field.default), key=key, help=field.text or None
        )
    elif field.kind == "sounds":
        at = banks.index(step.values[name]) if step.values.get(name) in banks else 0
        chosen = st.selectbox(field.label, banks, at if banks else None, key=key, help=field.text)
        step.values[name] = chosen or step.values.get(name, "none")
    elif field.kind == "count":
        _count_control(step, field, key)
    elif field.kind == "number":
        _number_control(step, field, key)


def _range_control(step: DraftStep, field: Field, key: str) -> None:
    defaults = dict(zip(field.names, field.default, strict=True))
    _slider(step, field, key, tuple(step.values.get(name, defaults[name]) for name in defaults))


def _number_control(step: DraftStep, field: Field, key: str) -> None:
    """Draw a slider; a parameter that the library leaves open is set on request only."""
    name = field.names[0]
    value = step.values.get(name, field.default)
    if field.default is None and not st.checkbox(
        f"set {field.label}", value is not None, key=f"set-{key}", help=field.text or None
    ):
        step.values.pop(name, None)
        return
    _slider(step, field, key, (field.low if value is None else value,))


def _slider(step: DraftStep, field: Field, key: str, loaded: tuple[float, ...]) -> None:
    """Draw a slider for a number, or for the two ends of a range, and keep what is chosen."""
    kind = int if field.whole else float
    values: Any = tuple(map(kind, loaded))
    low, high = field.widened(values)
    if not fits_page(low, high):
        st.text(f"{field.label}: {' to '.join(map(str, values))} (as loaded)")
        return
    chosen = st.slider(
        field.label,
        kind(low),
        kind(high),
        values if len(values) > 1 else values[0],
        kind(field.step),
        key=key,
        help=field.text or None,
        format=None if field.whole else "%g",
    )
    chosen = chosen if isinstance(chosen, tuple) else (chosen,)
    step.values.update(zip(field.names, chosen, strict=True))


def _count_control(step: DraftStep, field: Field, key: str) -> None:
    """Draw how many steps of a SomeOf run: least and most."""
    given = step.values.get(field.names[0], 1)
    most = max(1, len(step.steps))
    least, highest = (given, given) if isinstance(given, int) else (given[0] or 0, given[1] or most)
    chosen = st.slider(
        field.label, 0, most, (min(least, most), min(highest, most)), key=f"{key}-{most}"
    )
    step.values[field.names[0]] = list(chosen)
