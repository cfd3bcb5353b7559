#!/bin/sh
# Installs what the tests need on Debian as root; elsewhere prints what is missing and fails.
# Quick when all is there. Uses apt as the machine has it set up.
set -eu

# command:package
wanted="
buildah:buildah skopeo:skopeo umoci:umoci runc:runc debootstrap:debootstrap
docker-registry:docker-registry fusermount3:fuse3 pigz:pigz zstd:zstd gzip:gzip
setfattr:attr setcap:libcap2-bin setfacl:acl tmux:tmux python3:python3 nginx:nginx-light
xz:xz-utils mkfs.ext4:e2fsprogs unshare:util-linux zsh:zsh fish:fish
"
PATH=$PATH:/usr/sbin:/sbin

missing_packages() {
  for pair in $wanted; do
    command -v "${pair%%:*}" >/dev/null 2>&1 || printf '%s ' "${pair#*:}"
  done
}

missing=$(missing_packages)
[ -n "$missing" ] || exit 0

if [ "$(id -u)" -ne 0 ] || ! [ -e /etc/debian_version ] || ! command -v apt-get >/dev/null 2>&1; then
  echo "missing tools, install them to run every test: $missing" >&2
  exit 1
fi

export DEBIAN_FRONTEND=noninteractive
# Services that packages bring along (docker-registry, nginx) must not be started: tests start their own.
policy=/usr/sbin/policy-rc.d
if ! [ -e "$policy" ]; then
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod 755 "$policy"
  trap 'rm -f "$policy"' EXIT
fi
echo "installing: $missing" >&2
apt-get update -qq >&2
# shellcheck disable=SC2086 # a list of package names
apt-get install -y -qq --no-install-recommends $missing >&2

missing=$(missing_packages)
[ -z "$missing" ] || { echo "still missing after apt-get install: $missing" >&2; exit 1; }
