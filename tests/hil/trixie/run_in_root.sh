#!/bin/sh
# run_in_root.sh DIR command...: run a command in the root on the emulated GPIO chip and dma-heap.
# Needs root (chroot). The shims and the checks must be in DIR/opt/hil, the packages in DIR/opt/fieldstack.
set -eu
root=$1
shift
[ -c "$root/dev/null" ] || mknod -m 666 "$root/dev/null" c 1 3
[ -c "$root/dev/urandom" ] || mknod -m 666 "$root/dev/urandom" c 1 9
rm -f "$root/tmp/trace" "$root/tmp/control"
# GLIBC_TUNABLES: libcamera 0.4.0's virtual camera leaves a frame's status unset, and picamera2 drops frames
# whose status is not 0 = success; perturb makes malloc hand out zeros, the other sends every size that way.
# A mount namespace of its own: /proc is gone with the check, however that ends.
exec unshare --mount sh -c 'mount -t proc proc "$0/proc" && exec chroot "$0" "$@"' "$root" \
    env -i PATH=/usr/local/bin:/usr/bin:/bin HOME=/root LANG=C.UTF-8 \
    PYTHONPATH=/opt/fieldstack:/opt/hil PYTHONDONTWRITEBYTECODE=1 \
    LD_PRELOAD="/opt/hil/gpiochip.so /opt/hil/dmaheap.so" \
    GLIBC_TUNABLES=glibc.malloc.perturb=255:glibc.malloc.tcache_count=0 \
    CHIP_TRACE=/tmp/trace CHIP_CONTROL=/tmp/control RPI_LGPIO_CHIP=0 RPI_LGPIO_REVISION=c03115 \
    LIBCAMERA_LOG_LEVELS='*:ERROR' "$@"
