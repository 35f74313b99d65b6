"""`fieldstack run`: the rig and its phone pages, until a signal ends them."""

from __future__ import annotations

import argparse
import logging
import socket
from pathlib import Path
from typing import TYPE_CHECKING

from rig.commands.edge import debugging, run_at_the_edge
from rig.commands.options import (
    Subparsers,
    add_command,
    add_config,
    add_data,
    add_sim,
    builder,
    data_folder,
    settings_from,
)
from rig.commands.signals import ended_by_signals
from rig.config import WebSettings
from rig.configfile import USER_FILE
from rig.durable import as_store_error
from rig.errors import RigError
from rig.servicewatch import notify, watched
from rig.workflow import Workflow
from stacker.console import Console

if TYPE_CHECKING:
    from webui.server import Server
    from webui.settings import PageSettings

PHONES = "phones"  # below the brackets' folder: who may look, and the PIN
PIN_FILE = "pin"
EVERYWHERE = ("", "0.0.0.0", "::")


class PageError(RigError):
    """The phone pages cannot be served at this address."""


def add_run_parser(commands: Subparsers) -> None:
    """Add `run` to the commands."""
    parser = add_command(
        commands, "run", "run the rig with its button and its phone pages", run_run, "Ends with Ctrl-C."
    )
    add_sim(parser)
    add_data(parser)
    parser.add_argument(
        "--host", help="address to listen on; 0.0.0.0 lets phones in (default: the settings, 127.0.0.1)"
    )
    parser.add_argument(
        "--port", type=int, help="TCP port of the pages, 0 = any free one (default: the settings, 8000)"
    )
    add_config(parser)


def run_run(args: argparse.Namespace) -> int:
    """`fieldstack run`: returns the exit code."""
    return run_at_the_edge(lambda console: run(args, console))


def run(args: argparse.Namespace, console: Console) -> None:
    """Open the rig, serve the pages, and leave everything safe at the end.

    The pages are there while the rig still homes, and when a device is broken: they say so.
    """
    from webui.pairing import Pairing
    from webui.server import serve

    settings = settings_from(args, {"web.host": args.host, "web.port": args.port})
    if not debugging():  # a service's log is read with journalctl, which adds the time
        logging.basicConfig(level=logging.INFO, format="%(message)s", force=True)
    folder, web = data_folder(args, settings), settings.web
    page = page_settings(web, folder / PHONES)
    pairing = Pairing(page.state_dir / "phones.json", page.pin, session_days=page.session_days)
    workflow = Workflow(
        settings,
        folder,
        build=builder(args.sim),
        press_taken=pairing.press,
        settings_file=args.config or USER_FILE.expanduser(),
    )

    def ready(server: Server) -> None:
        cancelled.then(server.stop)  # at once, when a signal came while the rig was opened
        if not cancelled():
            announce(addresses(server.host, server.port), page.pin, folder, console)

    with ended_by_signals() as cancelled:
        try:
            workflow.open(wait=False)
            with watched(workflow.is_alive):
                serve(workflow, web.host, web.port, page, pairing=pairing, ready=ready)
        except RigError:
            raise
        except OSError as error:
            raise PageError(
                f"the pages cannot be served at {web.host} port {web.port} ({error.strerror}): "
                "give another --host or --port"
            ) from error
        finally:
            notify("STOPPING=1")
            workflow.close()


def announce(urls: list[str], pin: str, folder: Path, console: Console) -> None:
    """Say where to look, and keep quiet from then on."""
    notify("READY=1")
    console.tell(f"open {'  or  '.join(urls)}")
    console.tell(f"on a phone: press the rig's button to pair, or type the PIN {pin}")
    console.tell(f"brackets are kept in {folder}; Ctrl-C ends the rig")


def addresses(host: str, port: int) -> list[str]:
    """What to type into a browser to reach this host and port."""
    if host not in EVERYWHERE:
        return [url(host, port)]
    found = own_address()
    return [url(f"{socket.gethostname()}.local", port), *([url(found, port)] if found is not None else [])]


def url(host: str, port: int) -> str:
    """An http address; the port is left out where browsers know it."""
    name = f"[{host}]" if ":" in host else host
    return f"http://{name}/" if port == 80 else f"http://{name}:{port}/"


def own_address() -> str | None:
    """The computer's address on the network it would talk to phones by; None without a network."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.168.0.1", 9))  # a datagram socket sends nothing by connecting
        except OSError:
            return None
        return str(probe.getsockname()[0])


def page_settings(web: WebSettings, state: Path) -> PageSettings:
    """Who may look: the names this rig is called by, its PIN, and where paired phones are kept."""
    from webui.settings import PageSettings

    name = socket.gethostname()
    names = ("localhost", name, f"{name}.local", *web.trusted_hosts)
    return PageSettings(
        state_dir=state,
        pin=lasting_pin(state),
        host_names=names,
        wifi_name=web.wifi_name,
        wifi_key=web.wifi_key,
    )


def lasting_pin(state: Path) -> str:
    """The PIN of this rig: made once, the same after every start. Raises StoreError."""
    from webui.settings import PIN_DIGITS, random_pin

    path = state / PIN_FILE
    try:
        pin = path.read_text().strip() if path.exists() else ""
        if pin.isascii() and pin.isdigit() and len(pin) >= PIN_DIGITS:
            return pin
        state.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        pin = random_pin()
        path.write_text(f"{pin}\n")
    except OSError as error:
        raise as_store_error(error, path, PIN_DIGITS) from error
    return pin
