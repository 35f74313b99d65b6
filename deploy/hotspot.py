"""The rig's own network, opened by NetworkManager where no known one is heard; its name and key go into the settings.

    sudo /opt/fieldstack/.venv/bin/python /opt/fieldstack/deploy/hotspot.py --country DE

The phone pages then show the code that lets another phone join. Run again it keeps the key, so that phones that
know the network find it; --new-key makes another one.
"""

from __future__ import annotations

import argparse
import grp
import os
import secrets
import shutil
import subprocess
import sys
from pathlib import Path

from rig.configfile import SYSTEM_FILE, load_settings
from rig.errors import RigError
from rig.settingsfile import keep_changes

PROFILE = "fieldstack-hotspot"
ADDRESS = "10.42.0.1/24"
GROUP = "fieldstack"  # of the service, which reads the settings
LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # none that is taken for another on a label
KEY_LENGTH = 14  # 69 bits: an attacker who heard a phone join tries keys at home


def main(args: list[str] | None = None) -> int:
    """Returns the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--country", required=True, help="two letters: which channels the radio may use")
    parser.add_argument("--name", help="of the network (default: as it is called, else Fieldstack-XXXX)")
    parser.add_argument("--new-key", action="store_true", help="phones must join again")
    parser.add_argument("--interface", default="wlan0", help="the radio (default: wlan0)")
    parser.add_argument(
        "--config", type=Path, default=SYSTEM_FILE, help=f"the settings (default: {SYSTEM_FILE})"
    )
    options = parser.parse_args(args)
    try:
        web = load_settings(options.config).web if options.config.exists() else None
        name = options.name or (web.wifi_name if web else "") or f"Fieldstack-{secrets.token_hex(2).upper()}"
        kept = "" if options.new_key or web is None else web.wifi_key
        key = kept or "".join(secrets.choice(LETTERS) for _ in range(KEY_LENGTH))
        set_up(options.country, options.interface, name, key)
        keep_changes(options.config, {"web.wifi_name": name, "web.wifi_key": key})
        keep_to_the_service(options.config)
    except (RigError, OSError, subprocess.CalledProcessError) as error:
        print(f"the hotspot is not set up: {error}", file=sys.stderr)
        return 1
    print(
        f"network {name}, key {key}; the pages are at http://{ADDRESS.split('/')[0]}:8000/ for who joins it"
    )
    return 0


def set_up(country: str, interface: str, name: str, key: str) -> None:
    """Tell NetworkManager. Known networks go first: theirs is the higher priority."""
    if shutil.which("raspi-config"):  # without a country Raspberry Pi OS keeps the radio switched off
        subprocess.run(["raspi-config", "nonint", "do_wifi_country", country], check=True)
    subprocess.run(["nmcli", "connection", "delete", PROFILE], check=False, stderr=subprocess.DEVNULL)
    subprocess.run(
        [
            "nmcli", "connection", "add", "type", "wifi", "ifname", interface, "con-name", PROFILE, "ssid", name,
            "802-11-wireless.mode", "ap", "802-11-wireless.band", "bg", "802-11-wireless.channel", "6",
            "802-11-wireless.powersave", "2", "ipv4.method", "shared", "ipv4.addresses", ADDRESS,
            "ipv6.method", "disabled", "wifi-sec.key-mgmt", "wpa-psk", "wifi-sec.proto", "rsn",
            "wifi-sec.pairwise", "ccmp", "wifi-sec.psk", key,
            "connection.autoconnect", "yes", "connection.autoconnect-priority", "-10",
        ],
        check=True,
    )  # fmt: skip


def keep_to_the_service(config: Path) -> None:
    """The key is for root and the rig alone."""
    config.chmod(0o640)
    try:
        os.chown(config, -1, grp.getgrnam(GROUP).gr_gid)
    except KeyError:
        print(f"there is no group {GROUP} yet: run this again when it is there", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
