"""What `tfx-audio explore` serves: the explorer's page, behind a list of allowed hosts."""

from pathlib import Path

from starlette.middleware import Middleware
from streamlit import config
from streamlit.web.server.starlette import App

from tfx_audio.pipeline.commands.explore import page_options
from tfx_audio.pipeline.explorer.allowed_hosts import AllowedHosts, allowed_hosts

app = App(
    Path(__file__).with_name("explorer_page.py"),
    middleware=[
        Middleware(
            AllowedHosts,
            hosts=allowed_hosts(config.get_option("server.address"), page_options().allow_host),
        )
    ],
)
