#!/bin/bash
# make.sh [--list | NAME...]: makes test images under .cache/images/ of the project, each once; all but the bench's
# when none is named. Needs root on Debian and the tools of install-tools.sh.
#
#   base           OCI layout by buildah: minbase; python3-numpy, python3-flask, nodejs
#   a              the image: base's layers as buildah pushed them, and the layer of oddities by gzip
#   a-pax          its twin for umoci: every sparse file in PAX form
#   a-pigz a-gzip9 a-members a-zstd a-zstd-frames a-estargz a-tar
#                  the same tars as a, otherwise compressed (a-members: gzip members of 4 MiB each)
#   a-zstd-chunked base's layers by skopeo, the oddities by zstdchunked.py: skopeo refuses type S and breaks PAX sparse
#   a.oci.tar a.docker.tar
#                  archives of a by skopeo
#   many           150,000 small files in one gzip layer, for the bench only
#
# Layouts have the tag of their name ("a-pax:a-pax"), archives hold the tag "clip-test:a".
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cache=$here/../../.cache/images
variants="a a-pax a-pigz a-gzip9 a-members a-zstd a-zstd-frames a-zstd-chunked a-estargz a-tar a.oci.tar a.docker.tar"
if [ "${1:-}" = --list ]; then echo "$variants many"; exit 0; fi
mkdir -p "$cache"
cache=$(cd "$cache" && pwd)
exec 9>"$cache/.lock"
flock 9

# What each artefact is made from: scripts here, and other artefacts.
declare -A made_from=(
  [base]="base.sh"
  [tars]="oddities.py gnutar.py tarwriter.py base"
  [a]="layout.py tars" [a-pax]="layout.py tars" [a-pigz]="layout.py tars" [a-gzip9]="layout.py tars"
  [a-members]="layout.py tars" [a-zstd]="layout.py tars" [a-zstd-frames]="layout.py tars"
  [a-estargz]="layout.py estargz.py ../e2e/support/tarread.py tars" [a-tar]="layout.py tars"
  [a-zstd-chunked]="layout.py zstdchunked.py estargz.py ../e2e/support/tarread.py tars base" [a.oci.tar]="a" [a.docker.tar]="a"
  [many]="many.py tarwriter.py layout.py base"
)

# The hash of all that an artefact is made from, this script's function for it included.
key() {
  local source
  { declare -f "make_$(tr .- __ <<<"$1")"
    for source in ${made_from[$1]}; do
      if [ -n "${made_from[$source]:-}" ]; then key "$source"; else cat "$here/$source"; fi
    done
  } | sha256sum
}

need() {
  local name=$1 source wanted
  wanted=$(key "$name")
  if [ -e "$cache/$name" ] && [ "$(cat "$cache/$name.key" 2>/dev/null)" = "$wanted" ]; then return; fi
  for source in ${made_from[$name]}; do
    if [ -n "${made_from[$source]:-}" ]; then need "$source"; fi
  done
  echo "making $name" >&2
  rm -rf "${cache:?}/$name" "$cache/$name.new"* "$cache/$name.key"
  "make_$(tr .- __ <<<"$name")" "$cache/$name.new"
  mv "$cache/$name.new" "$cache/$name"
  echo "$wanted" >"$cache/$name.key"
}

# blobs LAYOUT layers|config: the paths of its blobs, layers from the lowest up.
blobs() {
  python3 - "$1" "$2" <<'PYTHON'
import json, sys
def blob(digest): return f"{sys.argv[1]}/blobs/sha256/{digest[7:]}"
manifest = json.load(open(blob(json.load(open(sys.argv[1] + "/index.json"))["manifests"][0]["digest"])))
for one in [manifest["config"]] if sys.argv[2] == "config" else manifest["layers"]:
    print(blob(one["digest"]))
PYTHON
}

make_base() { "$here/base.sh" "$1"; }

# The uncompressed layers.
make_tars() {
  local number=0 blob
  mkdir "$1"
  for blob in $(blobs "$cache/base" layers); do
    number=$((number + 1))
    gzip -dc "$blob" >"$1/$number.tar"
  done
  python3 "$here/oddities.py" gnu "$1/3.tar"
  python3 "$here/oddities.py" pax "$1/3-pax.tar"
}

# layout OUT CODEC FILE...: tagged as the artefact that is being made.
layout() {
  local out=$1 codec=$2
  shift 2
  python3 "$here/layout.py" "$out" "$(basename "$out" .new)" "$(blobs "$cache/base" config)" "$codec" "$@"
}

# compressed OUT CODEC COMMAND...: layout of the three tars, each through COMMAND.
compressed() {
  local out=$1 codec=$2 number
  shift 2
  mkdir "$out.layers"
  for number in 1 2 3; do "$@" <"$cache/tars/$number.tar" >"$out.layers/$number"; done
  layout "$out" "$codec" "$out.layers"/[123]
  rm -r "$out.layers"
}

buildah_and() {
  gzip -6n <"$cache/tars/$2.tar" >"$1.layer"
  # shellcheck disable=SC2046 # two paths without spaces of our own cache
  layout "$1" gzip $(blobs "$cache/base" layers) "$1.layer"
  rm "$1.layer"
}
make_a() { buildah_and "$1" 3; }
make_a_pax() { buildah_and "$1" 3-pax; }
make_a_pigz() { compressed "$1" gzip pigz -n; }
make_a_gzip9() { compressed "$1" gzip gzip -9n; }
make_a_members() { compressed "$1" gzip split -b 4M --filter='gzip -6n' -; }
make_a_zstd() { compressed "$1" zstd zstd -q -3; }
make_a_zstd_frames() { compressed "$1" zstd split -b 2M --filter='zstd -q -3' -; }
make_a_tar() { compressed "$1" tar cat; }
estargz() { cat >"$1.source"; python3 "$here/estargz.py" "$1.source" "$1"; cat "$1"; rm "$1" "$1.source"; }
make_a_estargz() { compressed "$1" gzip estargz "$1.piece"; }
make_a_zstd_chunked() {
  skopeo copy -q --dest-compress --dest-compress-format zstd:chunked "oci:$cache/base:base" "oci:$1.base:base"
  python3 "$here/zstdchunked.py" "$cache/tars/3.tar" "$1.layer"
  # shellcheck disable=SC2046 # two paths without spaces of our own cache
  layout "$1" zstd $(blobs "$1.base" layers) "$1.layer"
  rm -r "$1.base" "$1.layer"
}
make_a_oci_tar() { skopeo copy -q "oci:$cache/a:a" "oci-archive:$1:clip-test:a"; }
make_a_docker_tar() { skopeo copy -q "oci:$cache/a:a" "docker-archive:$1:clip-test:a"; }
make_many() { python3 "$here/many.py" "$1.tar"; gzip -6n "$1.tar"; layout "$1" gzip "$1.tar.gz"; rm "$1.tar.gz"; }

# shellcheck disable=SC2086 # a list of names
[ $# -gt 0 ] || set -- $variants
for name; do
  [ -n "${made_from[$name]:-}" ] || { echo "make.sh: no image $name; there are $variants many" >&2; exit 2; }
  need "$name"
done
