import { ClipError } from "../errors.ts";
import { type OciDescriptor, shown } from "../formats/oci/descriptor.ts";
import { parseDigest } from "../formats/oci/digest.ts";
import { parseIndex } from "../formats/oci/image-index.ts";
import { corrupt, parseJsonObject } from "../formats/oci/json.ts";
import { fileOrigin } from "./file-origin.ts";
import { type ImageReader, verifyDescriptor } from "./image-reader.ts";
import type { Descriptor, Origin, OriginSpec } from "./origin.ts";
import { type FileTree, readDocument } from "./stored-file.ts";

/** OCI image layouts (image-layout.md), in a directory or in a tar. */

/** Annotations by which tools name an image in a layout: the spec's, and that of containerd and buildkit. */
const nameAnnotations = ["org.opencontainers.image.ref.name", "io.containerd.image.name"] as const;

/** The path of a blob in a layout; a digest of the right form has no separators in it. */
function blobPath(digest: string): string {
  const parsed = parseDigest(digest);
  if (parsed === undefined) throw corrupt("the layout", `refers to ${shown(digest)}, no digest`);
  return `blobs/${parsed.algorithm}/${parsed.hex}`;
}

/** The blobs of a layout as an origin. */
export const layoutOrigin = (files: FileTree): Origin =>
  fileOrigin(files, (digest) => files.file(blobPath(digest)));

/** Reads images of a layout. `spec` is where it lies, `tag` selects one of several images. */
export function layoutReader(
  files: FileTree,
  spec: OriginSpec,
  tag: string | undefined,
): ImageReader {
  const blob = async (descriptor: Descriptor, signal?: AbortSignal): Promise<Uint8Array> => {
    const file = await files.file(blobPath(descriptor.digest));
    if (file === undefined) {
      const message = `${files.name} does not have the blob ${descriptor.digest} that it refers to; copy the image again`;
      throw new ClipError("IMAGE_NOT_FOUND", message, { digest: descriptor.digest });
    }
    const bytes = await readDocument(file, signal);
    verifyDescriptor(bytes, descriptor, file.name);
    return bytes;
  };
  return {
    name: tag === undefined ? files.name : `${files.name}:${tag}`,
    origin: layoutOrigin(files),
    async root(signal) {
      await checkLayout(files, signal);
      const file = await files.file("index.json");
      if (file === undefined) throw notALayout(files.name, "index.json");
      const { manifests } = parseIndex(await readDocument(file, signal), file.name);
      return select(manifests, tag, files.name);
    },
    document: async (descriptor, signal) => ({ descriptor, bytes: await blob(descriptor, signal) }),
    config: blob,
    pinned: () => spec,
  };
}

async function checkLayout(files: FileTree, signal: AbortSignal | undefined): Promise<void> {
  const marker = await files.file("oci-layout");
  if (marker === undefined) throw notALayout(files.name, "oci-layout");
  const version = parseJsonObject(await readDocument(marker, signal), marker.name);
  if (typeof version.imageLayoutVersion === "string" && /^1\./.test(version.imageLayoutVersion)) {
    return;
  }
  throw new ClipError(
    "UNSUPPORTED",
    `${files.name} is an OCI layout of version ${shown(version.imageLayoutVersion)}; 1.x can be read`,
  );
}

const notALayout = (name: string, missing: string): ClipError =>
  new ClipError("IMAGE_NOT_FOUND", `${name} is no OCI layout: it has no file ${missing}`, {
    path: name,
  });

const namesOf = ({ annotations }: OciDescriptor): string[] =>
  nameAnnotations.flatMap((key) => annotations?.[key] ?? []);

/** The entries of index.json that are meant: those with the tag; without one all, if they are of one image. */
function select(
  manifests: readonly OciDescriptor[],
  tag: string | undefined,
  name: string,
): readonly OciDescriptor[] {
  const chosen =
    tag === undefined ? manifests : manifests.filter((entry) => namesOf(entry).includes(tag));
  const images = new Set(chosen.map((entry) => namesOf(entry)[0]));
  if (chosen.length > 0 && (tag !== undefined || images.size === 1)) return chosen;
  const tags = [...new Set(manifests.flatMap(namesOf))].slice(0, 20).map((text) => shown(text));
  const there = tags.length === 0 ? "its images have no names" : `it has ${tags.join(", ")}`;
  const why =
    tag !== undefined
      ? `${name} has no image with the tag ${shown(tag)}; ${there}`
      : manifests.length === 0
        ? `${name} holds no image`
        : `${name} holds several images: name one with :TAG; ${there}`;
  throw new ClipError("IMAGE_NOT_FOUND", why, { path: name, tag });
}
