import { type OpenedImage, type OpenedIndex, openImage, openIndex } from "../content/open-image.ts";

export interface ArchiveFlags {
  readonly archive: string;
  readonly "cache-dir"?: string | undefined;
}

export interface ContentFlags extends ArchiveFlags {
  readonly origin?: string | undefined;
  readonly insecure?: boolean | undefined;
}

/** The library's options out of a command's flags. */
export const contentOptions = ({
  archive,
  origin,
  insecure,
  "cache-dir": cacheDir,
}: ContentFlags) => ({
  archive,
  ...(origin === undefined ? {} : { origin }),
  ...(insecure === undefined ? {} : { insecure }),
  ...(cacheDir === undefined ? {} : { cacheDir }),
});

export const openForCommand = (flags: ArchiveFlags): Promise<OpenedIndex> =>
  openIndex(contentOptions(flags));

export const openContentForCommand = (flags: ContentFlags): Promise<OpenedImage> =>
  openImage(contentOptions(flags));
