"""The phone pages: a window on the rig, never its engine.

`create_app(workflow, settings)` gives the Flask application, `webui.server.serve` runs it.
Nothing here knows a driver, an array or a path that the Workflow did not hand out.
"""

from webui.app import create_app
from webui.settings import WebSettings

__all__ = ["WebSettings", "create_app"]
