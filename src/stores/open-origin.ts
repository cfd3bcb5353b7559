import type { RegistryOptions } from "../registry/client.ts";
import { archiveFiles } from "./archive-files.ts";
import { directoryFiles } from "./directory-files.ts";
import { dockerArchiveOrigin, dockerArchiveReader } from "./docker-archive.ts";
import type { ImageReader } from "./image-reader.ts";
import { layoutOrigin, layoutReader } from "./layout.ts";
import type { Origin, OriginSpec } from "./origin.ts";
import { registryOrigin, registryReader } from "./registry-origin.ts";

/** Plain data: it can be sent to a worker. Only registries need any of it. */
export type OriginOptions = RegistryOptions;

/**
 * The origin that `spec` describes, for reading layers. Nothing is opened or asked before the first read.
 * @throws ClipError BAD_REFERENCE.
 */
export function openOrigin(spec: OriginSpec, options: OriginOptions = {}): Origin {
  switch (spec.kind) {
    case "registry":
      return registryOrigin(spec.reference, withSpec(spec, options));
    case "oci-layout":
      return layoutOrigin(directoryFiles(spec.path));
    case "oci-archive":
      return layoutOrigin(archiveFiles(spec.path));
    case "docker-archive":
      return dockerArchiveOrigin(archiveFiles(spec.path), spec.tag);
  }
}

/** What resolving the image of `spec` reads from. @throws ClipError BAD_REFERENCE. */
export function openImageReader(spec: OriginSpec, options: OriginOptions): ImageReader {
  switch (spec.kind) {
    case "registry":
      return registryReader(spec, withSpec(spec, options));
    case "oci-layout":
      return layoutReader(directoryFiles(spec.path), spec, spec.tag);
    case "oci-archive":
      return layoutReader(archiveFiles(spec.path), spec, spec.tag);
    case "docker-archive":
      return dockerArchiveReader(archiveFiles(spec.path), spec, spec.tag);
  }
}

/** Either may allow an insecure registry: what the archive recorded, or who runs clip. */
const withSpec = (spec: { insecure?: boolean }, options: OriginOptions): OriginOptions => ({
  ...options,
  insecure: (spec.insecure ?? false) || (options.insecure ?? false),
});
