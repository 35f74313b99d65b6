"""The phone pages: a window on the rig, never its engine.

`serve(workflow, host, port, settings)` runs them, `create_app(workflow, settings)` gives the Flask
application alone. Nothing here knows a driver, an array or a path that the Workflow did not hand out.
"""

from webui.app import create_app
from webui.pairing import Pairing
from webui.server import Server, serve
from webui.settings import PageSettings

__all__ = ["PageSettings", "Pairing", "Server", "create_app", "serve"]
