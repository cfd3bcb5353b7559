/** Media types of the OCI image spec 1.1 (media-types.md) and of Docker's image manifest V2 schema 1 and 2. */

export const mediaTypes = {
  ociIndex: "application/vnd.oci.image.index.v1+json",
  ociManifest: "application/vnd.oci.image.manifest.v1+json",
  ociConfig: "application/vnd.oci.image.config.v1+json",
  ociLayerTar: "application/vnd.oci.image.layer.v1.tar",
  ociLayerGzip: "application/vnd.oci.image.layer.v1.tar+gzip",
  ociLayerZstd: "application/vnd.oci.image.layer.v1.tar+zstd",
  dockerList: "application/vnd.docker.distribution.manifest.list.v2+json",
  dockerManifest: "application/vnd.docker.distribution.manifest.v2+json",
  dockerConfig: "application/vnd.docker.container.image.v1+json",
  dockerLayerGzip: "application/vnd.docker.image.rootfs.diff.tar.gzip",
} as const;

/** What a manifest request accepts, best first. */
export const acceptedManifests: readonly string[] = [
  mediaTypes.ociIndex,
  mediaTypes.ociManifest,
  mediaTypes.dockerList,
  mediaTypes.dockerManifest,
];

/** The essence of a Content-Type: lower case, without parameters. */
export const essenceOf = (contentType: string): string =>
  contentType.split(";", 1)[0]!.trim().toLowerCase();

export const isIndexType = (mediaType: string): boolean =>
  mediaType === mediaTypes.ociIndex || mediaType === mediaTypes.dockerList;

export const isManifestType = (mediaType: string): boolean =>
  mediaType === mediaTypes.ociManifest || mediaType === mediaTypes.dockerManifest;

/** Docker's schema 1, whose layers are listed backwards and which has no config; retired in 2019. */
export const isSchema1Type = (mediaType: string): boolean =>
  /^application\/vnd\.docker\.distribution\.manifest\.v1\+(json|prettyjws)$/.test(mediaType);

/** Layers that a registry may not hold and that are fetched from elsewhere (Windows base layers). */
export const isForeignLayerType = (mediaType: string): boolean =>
  mediaType.startsWith("application/vnd.oci.image.layer.nondistributable.") ||
  mediaType === "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip";
