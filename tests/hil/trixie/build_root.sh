#!/bin/sh
# build_root.sh DIR: make a Debian trixie root in DIR that holds the real libcamera (with its virtual camera)
# and the real picamera2, lgpio and rpi-lgpio. About 1.2 GB, some minutes; a finished root is left as it is, a
# half-made one (DIR.part) is begun anew.
# Needs: root (chroot), mmdebstrap or debootstrap, a way to the Debian archive and to PyPI.
set -eu
finished=$(realpath -m "$1")
[ ! -e "$finished/opt/hil/built" ] || exit 0
if [ -e "$finished" ]; then
    echo "$finished is there but is no finished root: move it away" >&2
    exit 1
fi
root="$finished.part"
rm -rf "$root"
mkdir -p "$root"

# The archive this machine already uses, reached in the way its apt reaches it.
mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' 'Label: Debian' 2>/dev/null | head -1)
mirror=${mirror:-http://deb.debian.org/debian}
reached=$(mktemp)
trap 'rm -f "$reached"' EXIT
apt-config dump --no-empty --format '%F "%v";%n' Acquire | grep -E '^Acquire::(https?::|Check-|Retries)' >"$reached" || true

# Trixie rather than bookworm: bookworm's libcamera has no virtual pipeline.
packages=python3,python3-pip,python3-dev,python3-libcamera,libcamera-ipa,libcamera-tools,python3-numpy
packages=$packages,python3-pil,python3-piexif,python3-jsonschema,python3-prctl,python3-av
packages=$packages,libarchive13t64,gcc,libc6-dev,swig,ca-certificates

bootstrap() {
    mmdebstrap --quiet --variant=minbase --aptopt="$reached" --include="$packages" trixie "$root" "$mirror"
}
if command -v mmdebstrap >/dev/null; then
    # Three hundred packages: one that does not arrive is no reason to give up, so once more.
    bootstrap || { rm -rf "$root" && mkdir -p "$root" && bootstrap; }
elif command -v debootstrap >/dev/null; then
    debootstrap --variant=minbase --include="$packages" trixie "$root" "$mirror"
else
    echo "neither mmdebstrap nor debootstrap is installed: sudo apt install mmdebstrap" >&2
    exit 1
fi
cp /etc/resolv.conf "$root/etc/resolv.conf"
cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/ca-certificates.crt"

# The packages come from where this machine's pip gets them; what only it sees (local folders) is left behind.
PIP_INDEX_URL=${PIP_INDEX_URL:-$(python3 -m pip config get global.index-url 2>/dev/null || echo https://pypi.org/simple)}
export PIP_INDEX_URL
unset PIP_FIND_LINKS PIP_CONSTRAINT PIP_CONFIG_FILE

# PYPI=1: lgpio has no wheel for CPython 3.13; with it the sdist compiles the C library in.
PYPI=1 chroot "$root" python3 -m pip install --quiet --root-user-action=ignore --break-system-packages --no-deps \
    picamera2==0.3.38 pidng==4.0.9 simplejpeg==1.9.0 videodev2==0.0.4 libarchive-c tqdm openexr \
    lgpio==0.2.2.0 rpi-lgpio==0.6 opencv-python-headless==5.0.0.93 tifffile==2026.3.3

mkdir -p "$root/opt/hil"
touch "$root/opt/hil/built"
mv "$root" "$finished"
