#!/bin/sh
# build_root.sh DIR: make a Debian trixie root in DIR that holds the real libcamera (with its virtual camera)
# and the real picamera2, lgpio and rpi-lgpio. About 0.9 GB, some minutes; finished roots are left as they are.
# Needs: root (chroot), mmdebstrap or debootstrap, a way to the Debian archive and to PyPI.
set -eu
root=$(realpath -m "$1")
done_mark="$root/opt/hil/built"
[ ! -e "$done_mark" ] || exit 0
mkdir -p "$(dirname "$root")"

# The archive this machine already uses, so that a local mirror is honoured.
mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' 'Label: Debian' 2>/dev/null | head -1)
mirror=${mirror:-http://deb.debian.org/debian}

# Trixie rather than bookworm: bookworm's libcamera has no virtual pipeline.
packages=python3,python3-pip,python3-dev,python3-libcamera,libcamera-ipa,libcamera-tools,python3-numpy
packages=$packages,python3-pil,python3-piexif,python3-jsonschema,python3-prctl,python3-av
packages=$packages,libarchive13t64,gcc,libc6-dev,swig,ca-certificates

if [ ! -e "$root/etc/os-release" ]; then
    if command -v mmdebstrap >/dev/null; then
        mmdebstrap --variant=minbase --include="$packages" trixie "$root" "$mirror"
    elif command -v debootstrap >/dev/null; then
        debootstrap --variant=minbase --include="$packages" trixie "$root" "$mirror"
    else
        echo "neither mmdebstrap nor debootstrap is installed: sudo apt install mmdebstrap" >&2
        exit 1
    fi
fi
cp /etc/resolv.conf "$root/etc/resolv.conf"
cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/ca-certificates.crt"

# PYPI=1: lgpio has no wheel for CPython 3.13; with it the sdist compiles the C library in.
PYPI=1 chroot "$root" python3 -m pip install --quiet --root-user-action=ignore --break-system-packages --no-deps \
    picamera2==0.3.38 pidng==4.0.9 simplejpeg==1.9.0 videodev2==0.0.4 libarchive-c tqdm openexr \
    lgpio==0.2.2.0 rpi-lgpio==0.6 opencv-python-headless==5.0.0.93 tifffile==2026.3.3

# The virtual camera with the sensor's four modes; without this file it does not exist.
mkdir -p "$root/usr/share/libcamera/pipeline/virtual" "$root/opt/hil"
cat > "$root/usr/share/libcamera/pipeline/virtual/virtual.yaml" <<'YAML'
# %YAML 1.1
---
"Virtual0":
  supported_formats:
  - {width: 640, height: 480, frame_rates: [30, 60]}
  - {width: 2028, height: 1520, frame_rates: [30, 60]}
  - {width: 4056, height: 3040, frame_rates: [30, 60]}
  test_pattern: "lines"
  location: "CameraLocationFront"
  model: "imx477"
YAML
touch "$done_mark"
