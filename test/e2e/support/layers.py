"""The layers of an OCI layout as seekable files of uncompressed tar, checked against the diffIDs."""
import hashlib
import json
import os
import subprocess
import tempfile

DECODERS = {"tar": ["cat"], "tar+gzip": ["gzip", "-dc"], "tar+zstd": ["zstd", "-dc"]}


def blob(layout, digest):
    return os.path.join(layout, "blobs", *digest.split(":"))


def read_json(layout, digest):
    with open(blob(layout, digest), "rb") as source:
        return json.load(source)


def manifest_of(layout_and_tag):
    """(layout, manifest) of LAYOUT[:TAG], the layout's only image without a tag."""
    layout, tag = layout_and_tag, None
    if not os.path.isdir(layout):
        layout, tag = layout_and_tag.split(":", 1)
    with open(os.path.join(layout, "index.json"), encoding="utf8") as source:
        images = json.load(source)["manifests"]
    if tag is not None:
        images = [image for image in images
                  if image.get("annotations", {}).get("org.opencontainers.image.ref.name") == tag]
    if len(images) != 1:
        raise SystemExit(f"{layout_and_tag}: {len(images)} images, expected one")
    return layout, read_json(layout, images[0]["digest"])


def open_layers(layout_and_tag):
    """Yields one open temporary file per layer, from the lowest up; the caller closes it."""
    layout, manifest = manifest_of(layout_and_tag)
    diff_ids = read_json(layout, manifest["config"]["digest"])["rootfs"]["diff_ids"]
    assert len(diff_ids) == len(manifest["layers"])
    for layer, diff_id in zip(manifest["layers"], diff_ids):
        decoder = DECODERS[layer["mediaType"].removeprefix("application/vnd.oci.image.layer.v1.")]
        tar = tempfile.TemporaryFile()
        digest = hashlib.sha256()
        with open(blob(layout, layer["digest"]), "rb") as source:
            with subprocess.Popen(decoder, stdin=source, stdout=subprocess.PIPE) as process:
                while piece := process.stdout.read(1 << 20):
                    digest.update(piece)
                    tar.write(piece)
        if process.returncode != 0 or "sha256:" + digest.hexdigest() != diff_id:
            raise SystemExit(f"{layer['digest']}: does not decode to {diff_id}")
        tar.seek(0)
        yield tar
