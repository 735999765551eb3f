"""The browser explorer (`tfx-audio explore`): build a policy by ear and eye.

``explorer_page.py`` is the Streamlit script; what it shows comes from plain functions beside it
and from the pipeline's own code path, so that what is heard is what is trained on.
"""
