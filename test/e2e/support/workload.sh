#!/bin/sh
# workload.sh ROOTFS [COMMAND...]: runs the image's program in a chroot of ROOTFS, in a mount namespace of its own with
# the machine's /dev/null lent where the image has one, and prints OK. Without a COMMAND: python3, numpy and flask.
set -eu
root=$1
shift
[ $# -gt 0 ] || set -- /usr/bin/python3 -c 'import numpy, flask; print("OK")'
# shellcheck disable=SC2016 # expanded by the inner shell
exec unshare --mount --propagation private sh -c '
  root=$1
  shift
  [ ! -e "$root/dev/null" ] || mount --bind /dev/null "$root/dev/null"
  exec chroot "$root" /usr/bin/env -i PATH=/usr/bin:/bin LANG=C.UTF-8 "$@"
' workload "$root" "$@"
