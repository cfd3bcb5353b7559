import { ClipError } from "../errors.ts";
import { shown } from "../formats/oci/descriptor.ts";
import { digestOf } from "../formats/oci/digest.ts";
import { parseConfig } from "../formats/oci/image-config.ts";
import { arrayAt, corrupt, objectAt, parseJson, stringAt } from "../formats/oci/json.ts";
import { maxLayers } from "../formats/oci/manifest.ts";
import { mediaTypes } from "../formats/oci/media-types.ts";
import { parseReference } from "../registry/reference.ts";
import { fileOrigin } from "./file-origin.ts";
import type { ImageDocument, ImageReader } from "./image-reader.ts";
import type { Descriptor, Origin, OriginSpec } from "./origin.ts";
import { type FileTree, readDocument, type StoredFile } from "./stored-file.ts";

/**
 * What `docker save` writes: manifest.json, which lists images as a configuration and layer tars (moby's image spec
 * v1.2, "Combined Image JSON + Filesystem Changeset Format").
 */

interface SavedImage {
  readonly config: string;
  readonly layers: readonly string[];
  readonly tags: readonly string[];
}

interface SavedLayer {
  readonly descriptor: Descriptor;
  readonly file: StoredFile;
}

interface LoadedImage {
  readonly config: Uint8Array;
  readonly layers: readonly SavedLayer[];
}

const maxImages = 1000;

/** The layers of a saved image as an origin. */
export function dockerArchiveOrigin(files: FileTree, tag: string | undefined): Origin {
  return originOf(files, imageLoader(files, tag));
}

const originOf = (files: FileTree, load: () => Promise<LoadedImage>): Origin =>
  fileOrigin(files, async (digest) => {
    const { layers } = await load();
    return layers.find(({ descriptor }) => descriptor.digest === digest)?.file;
  });

/** Reads one image of the archive; for the OCI manifest that it lacks one is made up, always the same. */
export function dockerArchiveReader(
  files: FileTree,
  spec: OriginSpec,
  tag: string | undefined,
): ImageReader {
  const load = imageLoader(files, tag);
  return {
    name: tag === undefined ? files.name : `${files.name}:${tag}`,
    origin: originOf(files, load),
    root: async () => madeUpManifest(await load()),
    document: (descriptor) =>
      Promise.reject(corrupt(files.name, `does not have the manifest ${descriptor.digest}`)),
    config: async () => (await load()).config,
    pinned: () => spec,
  };
}

function madeUpManifest({ config, layers }: LoadedImage): ImageDocument {
  const manifest = {
    schemaVersion: 2,
    mediaType: mediaTypes.ociManifest,
    config: { mediaType: mediaTypes.ociConfig, digest: digestOf(config), size: config.length },
    layers: layers.map(({ descriptor }) => descriptor),
  };
  const bytes = Buffer.from(JSON.stringify(manifest), "utf8");
  const { mediaType } = manifest;
  return { descriptor: { mediaType, digest: digestOf(bytes), size: bytes.length }, bytes };
}

/** Loads the image at the first call, for all. */
function imageLoader(files: FileTree, tag: string | undefined): () => Promise<LoadedImage> {
  let loading: Promise<LoadedImage> | undefined;
  return () => {
    loading ??= loadImage(files, tag).catch((error) => {
      loading = undefined;
      throw error;
    });
    return loading;
  };
}

async function loadImage(files: FileTree, tag: string | undefined): Promise<LoadedImage> {
  const list = await files.file("manifest.json");
  if (list === undefined) {
    const message = `${files.name} is not what \`docker save\` writes: it has no manifest.json`;
    throw new ClipError("IMAGE_NOT_FOUND", message, { path: files.name });
  }
  const image = select(parseList(await readDocument(list), list.name), tag, files.name);
  const config = await readDocument(await member(files, image.config));
  checkName(image.config, config, files.name);
  const { diffIds } = parseConfig(config, `${image.config} in ${files.name}`);
  if (diffIds.length !== image.layers.length) {
    const why = `lists ${image.layers.length} layers, its configuration ${diffIds.length}`;
    throw corrupt(list.name, why);
  }
  const layers: SavedLayer[] = [];
  for (const [i, path] of image.layers.entries()) {
    const file = await member(files, path);
    layers.push({ descriptor: await describe(file, diffIds[i]!), file });
  }
  return { config, layers };
}

/**
 * Saved layers are plain tars, so their digest is the diffID of the configuration, which indexing verifies. Some
 * tools save them compressed; then the digest is that of the bytes, which are read once for it.
 */
async function describe(file: StoredFile, diffId: string): Promise<Descriptor> {
  const { size } = file;
  const mediaType = await mediaTypeOf(file);
  if (mediaType === mediaTypes.ociLayerTar) return { mediaType, digest: diffId, size };
  const hasher = new Bun.CryptoHasher("sha256");
  for await (const piece of file.read(0, size)) hasher.update(piece);
  return { mediaType, digest: `sha256:${hasher.digest("hex")}`, size };
}

async function mediaTypeOf(file: StoredFile): Promise<string> {
  let start = "";
  for await (const piece of file.read(0, Math.min(4, file.size))) {
    start += Buffer.from(piece).toString("latin1");
  }
  if (start.startsWith("\x1f\x8b")) return mediaTypes.ociLayerGzip;
  return start === "\x28\xb5\x2f\xfd" ? mediaTypes.ociLayerZstd : mediaTypes.ociLayerTar;
}

function parseList(bytes: Uint8Array, where: string): SavedImage[] {
  const document = parseJson(bytes, where);
  return arrayAt(document, where, maxImages).map((item, i) => {
    const at = `${where}: [${i}]`;
    const image = objectAt(item, at);
    const strings = (key: string, limit: number): string[] =>
      arrayAt(image[key], `${at}.${key}`, limit).map((text) => stringAt(text, `${at}.${key}`));
    return {
      config: stringAt(image.Config, `${at}.Config`),
      layers: strings("Layers", maxLayers),
      tags: strings("RepoTags", maxImages),
    };
  });
}

async function member(files: FileTree, path: string): Promise<StoredFile> {
  const file = await files.file(path.replace(/^(?:\.?\/)+/, ""));
  if (file !== undefined) return file;
  throw corrupt(files.name, `does not have ${shown(path)}, to which its manifest.json refers`);
}

/** A configuration is named by its digest. */
function checkName(path: string, config: Uint8Array, archive: string): void {
  const hex = /^(?:blobs\/sha256\/)?([0-9a-f]{64})(?:\.json)?$/.exec(path)?.[1];
  if (hex === undefined || digestOf(config) === `sha256:${hex}`) return;
  throw new ClipError(
    "DIGEST_MISMATCH",
    `${path} in ${archive} does not have the digest of its name`,
    {
      path: archive,
      expected: `sha256:${hex}`,
      actual: digestOf(config),
    },
  );
}

function select(images: readonly SavedImage[], tag: string | undefined, name: string): SavedImage {
  const wanted = tag === undefined ? undefined : normalTag(tag);
  const chosen =
    wanted === undefined
      ? images
      : images.filter(({ tags }) => tags.some((text) => normalTag(text) === wanted));
  const [image] = chosen;
  if (image !== undefined && chosen.length === 1) return image;
  const tags = images.flatMap((saved) => saved.tags).slice(0, 20);
  const there =
    tags.length === 0 ? "its images have no names" : `it has ${tags.map(shown).join(", ")}`;
  const why =
    images.length === 0
      ? `${name} holds no image`
      : tag === undefined
        ? `${name} holds several images: name one with :REF; ${there}`
        : `${name} has no image ${shown(tag)}; ${there}`;
  throw new ClipError("IMAGE_NOT_FOUND", why, { path: name, tag });
}

/** `alpine` and `docker.io/library/alpine:latest` are one name; what is no reference stands for itself. */
function normalTag(text: string): string {
  try {
    const { name, tag } = parseReference(text);
    return `${name}:${tag}`;
  } catch {
    return text;
  }
}
