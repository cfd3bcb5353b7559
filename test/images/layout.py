#!/usr/bin/env python3
"""layout.py OUT TAG CONFIG CODEC FILE...: an OCI layout of layers that are compressed already.

CONFIG is an image config whose rootfs and history are replaced. CODEC is tar, gzip or zstd. Each FILE is a layer,
from the lowest up. The blobs are hard links to the files where possible.
"""
import hashlib
import json
import os
import shutil
import subprocess
import sys

MEDIA = "application/vnd.oci.image"
DECODERS = {"tar": ["cat"], "gzip": ["gzip", "-dc"], "zstd": ["zstd", "-dc"]}


def digest_of(stream):
    digest = hashlib.sha256()
    while piece := stream.read(1 << 20):
        digest.update(piece)
    return "sha256:" + digest.hexdigest()


def file_digest(path):
    with open(path, "rb") as source:
        return digest_of(source)


def diff_id(path, codec):
    with subprocess.Popen([*DECODERS[codec], path], stdout=subprocess.PIPE) as process:
        digest = digest_of(process.stdout)
    if process.returncode != 0:
        raise SystemExit(f"{path}: does not decode as {codec}")
    return digest


def place(out, digest):
    return os.path.join(out, "blobs", *digest.split(":"))


def store_json(out, value):
    data = json.dumps(value, separators=(",", ":")).encode()
    digest = "sha256:" + hashlib.sha256(data).hexdigest()
    with open(place(out, digest), "wb") as blob:
        blob.write(data)
    return {"digest": digest, "size": len(data)}


def main():
    out, tag, config_path, codec, *files = sys.argv[1:]
    os.makedirs(os.path.join(out, "blobs", "sha256"))
    layers = []
    suffix = "" if codec == "tar" else "+" + codec
    for path in files:
        digest = file_digest(path)
        try:
            os.link(path, place(out, digest))
        except OSError:
            shutil.copyfile(path, place(out, digest))
        layers.append({"mediaType": f"{MEDIA}.layer.v1.tar{suffix}", "digest": digest, "size": os.path.getsize(path)})
    with open(config_path, "rb") as source:
        config = json.load(source)
    config["rootfs"] = {"type": "layers", "diff_ids": [diff_id(path, codec) for path in files]}
    config.pop("history", None)
    manifest = store_json(out, {
        "schemaVersion": 2, "mediaType": f"{MEDIA}.manifest.v1+json",
        "config": {"mediaType": f"{MEDIA}.config.v1+json", **store_json(out, config)}, "layers": layers})
    index = {"schemaVersion": 2, "manifests": [{
        "mediaType": f"{MEDIA}.manifest.v1+json", **manifest,
        "platform": {"architecture": config["architecture"], "os": config["os"]},
        "annotations": {"org.opencontainers.image.ref.name": tag}}]}
    for name, value in (("index.json", index), ("oci-layout", {"imageLayoutVersion": "1.0.0"})):
        with open(os.path.join(out, name), "w", encoding="utf8") as target:
            json.dump(value, target)


main()
