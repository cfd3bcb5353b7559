import { ClipError } from "../errors.ts";
import type { LayerIndex } from "../layers/layer-index.ts";
import type { OnProgress } from "../progress.ts";
import { parseReference } from "../registry/reference.ts";
import type { OriginSpec, ResolvedImage } from "../stores/origin.ts";
import { resolveImage } from "../stores/resolve-image.ts";
import { parseSource } from "../stores/source.ts";
import { absolutePath, parentPath, relativePath } from "../system/path-names.ts";
import { shownPath } from "../system/paths.ts";
import { createTree } from "../tree/tree.ts";
import { writeIndex } from "../tree/write-index.ts";
import { version } from "../version.ts";
import { checkOutput } from "./check-output.ts";
import { indexLayers } from "./index-layers.ts";
import { writeArchive } from "./write.ts";

export interface BuildOptions {
  /** `oci:DIR[:TAG]`, `oci-archive:FILE[:TAG]`, `docker-archive:FILE[:REF]`, `docker://REF` or a bare reference. */
  readonly source: string;
  /** Path of the archive to write; it appears whole or not at all. */
  readonly output: string;
  /** `os/arch[/variant]` for an image with several platforms; by default this machine's architecture. */
  readonly platform?: string;
  /** Greatest distance between two checkpoints, in MiB of uncompressed output. Default 2, fractions allowed. */
  readonly checkpointMiB?: number;
  /** Reference recorded as the place of the layers when it is not the one indexed. */
  readonly storageRef?: string;
  /** Allows plain HTTP and unverified TLS. */
  readonly insecure?: boolean;
  readonly onProgress?: OnProgress;
  readonly signal?: AbortSignal;
}

export interface BuildResult {
  readonly output: string;
  /** Bytes of the archive, the sha256 of the file, and the archive's id. */
  readonly size: number;
  readonly digest: string;
  readonly id: string;
  readonly manifestDigest: string;
  /** Where the archive says that its layers are. */
  readonly origin: OriginSpec;
  readonly layers: readonly LayerSummary[];
  readonly entries: number;
  readonly warnings: readonly string[];
}

export interface LayerSummary {
  readonly digest: string;
  readonly diffId: string;
  readonly codec: string;
  readonly size: number;
  readonly tarSize: number;
  readonly checkpoints: number;
}

/**
 * Indexes an image where it is and writes the archive. The same image, options and version of clip give the same bytes.
 * @throws ClipError; nothing is left behind on failure.
 */
export async function buildArchive(options: BuildOptions): Promise<BuildResult> {
  const { onProgress, signal } = options;
  const checkpointBytes = checkpointBytesOf(options.checkpointMiB ?? 2);
  const storageRef =
    options.storageRef === undefined ? undefined : parseReference(options.storageRef);
  const source = parseSource(options.source);
  checkOutput(options.output, source);
  onProgress?.({ kind: "step", text: `resolving ${shownPath(options.source)}` });
  const originOptions = { insecure: options.insecure ?? false };
  const image = await resolveImage(source, {
    ...originOptions,
    ...(options.platform === undefined ? {} : { platform: options.platform }),
    ...(signal === undefined ? {} : { signal }),
  });
  try {
    const warnings: string[] = [];
    const note: OnProgress = (progress) => {
      if (progress.kind === "warning") warnings.push(progress.text);
      onProgress?.(progress);
    };
    const tree = createTree({ onWarning: (text) => note({ kind: "warning", text }) });
    const layers: LayerIndex[] = [];
    await indexLayers(
      image.layers.map((descriptor, i) => ({
        spec: image.spec,
        origin: originOptions,
        descriptor,
        diffId: image.diffIds[i]!,
        checkpointBytes,
      })),
      {
        onProgress: note,
        ...(signal === undefined ? {} : { signal }),
        onLayer: (layer, { index, entries }) => {
          layers.push(index);
          tree.beginLayer(layer, index.digest);
          for (const entry of entries) tree.add(entry);
          tree.endLayer();
        },
      },
    );
    note({ kind: "step", text: "writing the archive" });
    const written = writeIndex(
      tree.finish(),
      layers.map((layer) => layer.tarSize),
    );
    for (const text of written.warnings) note({ kind: "warning", text });
    const origin =
      storageRef === undefined
        ? portable(image.spec, options)
        : recordedReference(storageRef.name, image, options.insecure ?? false);
    const { size, id, digest } = await writeArchive(
      options.output,
      {
        origin,
        manifest: image.manifestDescriptor,
        manifestBytes: image.manifest,
        indexer: `clip ${version}`,
        config: image.config,
        layers,
        index: written.image,
        virtual: written.virtual,
        checkpointBytes,
      },
      signal === undefined ? {} : { signal },
    );
    return {
      output: options.output,
      size,
      digest,
      id,
      manifestDigest: image.manifestDescriptor.digest,
      origin,
      layers: layers.map(summaryOf),
      entries: written.stats.names,
      warnings,
    };
  } finally {
    await image.origin.close();
  }
}

function checkpointBytesOf(mib: number): number {
  const bytes = Math.round(mib * 1024 * 1024);
  if (!(bytes >= 64 * 1024 && bytes <= 1024 * 1024 * 1024)) {
    throw new ClipError(
      "USAGE",
      `a checkpoint distance of ${mib} MiB is not possible: choose 0.0625 to 1024`,
    );
  }
  return bytes;
}

const summaryOf = (layer: LayerIndex): LayerSummary => ({
  digest: layer.digest,
  diffId: layer.diffId,
  codec: layer.codec,
  size: layer.size,
  tarSize: layer.tarSize,
  checkpoints: layer.checkpoints.length,
});

/** A path given relative is recorded relative to the archive, so that both can be moved, and no machine shows in it. */
function portable(spec: OriginSpec, options: BuildOptions): OriginSpec {
  if (spec.kind === "registry" || spec.path.startsWith("/")) return spec;
  const archiveDirectory = parentPath(absolutePath(options.output));
  return { ...spec, path: relativePath(archiveDirectory, absolutePath(spec.path)) };
}

const recordedReference = (name: string, image: ResolvedImage, insecure: boolean): OriginSpec => ({
  kind: "registry",
  reference: `${name}@${image.manifestDescriptor.digest}`,
  ...(insecure ? { insecure } : {}),
});
