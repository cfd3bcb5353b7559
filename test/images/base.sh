#!/bin/bash
# base.sh OUT: an OCI layout OUT, tag "base", of two layers as buildah makes and pushes them:
# debootstrap's minbase, and python3-numpy, python3-flask and nodejs installed over it.
# Packages come from the mirror that this machine's apt is set up with.
set -euo pipefail
out=$1
work=$(mktemp -d "$(dirname "$out")/base.XXXXXX")
export BUILDAH_ISOLATION=chroot STORAGE_DRIVER=vfs
buildah=(buildah --root "$work/storage" --runroot "$work/run")
container=
cleanup() {
  [ -z "$container" ] || "${buildah[@]}" umount "$container" >/dev/null 2>&1 || true
  rm -rf "$work"
}
trap cleanup EXIT

minbase=$(dirname "$out")/minbase.tar
if ! [ -s "$minbase" ]; then
  # RELEASE needs no downloaded list, CODENAME does.
  mirror=$(apt-get indextargets --format '$(REPO_URI) $(RELEASE)' 'Created-By: Packages' |
    awk '$2 == "bookworm" { print $1; exit }')
  [ -n "$mirror" ] || { echo "base.sh: apt knows no mirror of Debian bookworm" >&2; exit 1; }
  debootstrap --variant=minbase bookworm "$work/minbase" "$mirror" >"$work/debootstrap.log" 2>&1 ||
    { tail -20 "$work/debootstrap.log" >&2; exit 1; }
  : >"$work/minbase/etc/apt/sources.list"
  rm -rf "$work"/minbase/var/cache/apt/archives/*.deb "$work"/minbase/var/lib/apt/lists/*
  tar -C "$work/minbase" --numeric-owner --xattrs --xattrs-include='*' --sort=name -cf "$minbase.new" .
  mv "$minbase.new" "$minbase"
  rm -rf "$work/minbase"
fi

container=$("${buildah[@]}" from scratch)
"${buildah[@]}" add -q "$container" "$minbase" / >/dev/null
"${buildah[@]}" config --cmd '["/bin/sh"]' --env LANG=C.UTF-8 --label purpose=clip-test "$container"
base=$("${buildah[@]}" commit -q --rm "$container")
container=$("${buildah[@]}" from "$base")

# The machine's apt sources are lent to the container for the installation and taken back.
root=$("${buildah[@]}" mount "$container")
mkdir "$work/apt"
cp -a "$root/etc/apt/." "$work/apt/"
cp -a /etc/apt/sources.list.d /etc/apt/apt.conf.d "$root/etc/apt/"
[ ! -e /etc/apt/sources.list ] || cp -a /etc/apt/sources.list "$root/etc/apt/"
"${buildah[@]}" run "$container" -- sh -c '
  set -e
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq
  apt-get install -y -qq --no-install-recommends python3-numpy python3-flask nodejs >/tmp/install.log 2>&1 ||
    { tail -20 /tmp/install.log; exit 1; }
  rm -rf /tmp/install.log /var/lib/apt/lists/* /var/cache/apt/*
'
rm -rf "$root/etc/apt"
cp -a "$work/apt" "$root/etc/apt"
"${buildah[@]}" umount "$container" >/dev/null
image=$("${buildah[@]}" commit -q --rm "$container")
container=

rm -rf "$out"
"${buildah[@]}" push -q "$image" "oci:$out:base"
