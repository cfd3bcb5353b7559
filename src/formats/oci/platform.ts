import { ClipError } from "../../errors.ts";
import { corrupt, objectAt, optionalStringAt, stringAt } from "./json.ts";

/** A platform as image-index.md has it, with Go's names (GOOS, GOARCH). */
export interface Platform {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string;
}

/** Reads an optional platform field. @throws ClipError MANIFEST_CORRUPT, naming `where`. */
export function platformAt(value: unknown, where: string): Platform | undefined {
  if (value === undefined || value === null) return undefined;
  const object = objectAt(value, where);
  const os = stringAt(object.os, `${where}.os`);
  const architecture = stringAt(object.architecture, `${where}.architecture`);
  const variant = optionalStringAt(object.variant, `${where}.variant`);
  for (const part of [os, architecture, variant ?? ""]) {
    if (!/^[\w.+-]{0,64}$/.test(part)) throw corrupt(where, "is no platform");
  }
  return { os, architecture, ...(variant && { variant }) };
}

/** Names by which people call an architecture, and Go's name for it. */
const architectures: Readonly<Record<string, readonly [string, string?]>> = {
  x86_64: ["amd64"],
  "x86-64": ["amd64"],
  x64: ["amd64"],
  i386: ["386"],
  ia32: ["386"],
  aarch64: ["arm64"],
  armhf: ["arm", "v7"],
  armel: ["arm", "v6"],
  ppc64el: ["ppc64le"],
};

/** The variant that an architecture without one stands for (containerd's platform normalisation). */
const impliedVariants: Readonly<Record<string, string>> = { arm: "v7", arm64: "v8", amd64: "v1" };

/**
 * Reads `os/arch[/variant]`, or an architecture alone (then the os is linux).
 * @throws ClipError USAGE.
 */
export function parsePlatform(text: string): Platform {
  const parts = text.toLowerCase().split("/");
  const [os, name, variant] = parts.length === 1 ? ["linux", parts[0]!] : parts;
  const wellFormed = parts.length <= 3 && parts.every((part) => /^[\w.+-]{1,64}$/.test(part));
  if (!wellFormed || os === undefined || name === undefined) {
    throw new ClipError(
      "USAGE",
      `${JSON.stringify(text)} is no platform; write OS/ARCH or OS/ARCH/VARIANT, as linux/arm64`,
    );
  }
  const [architecture, ownVariant] = architectures[name] ?? [name];
  const known = variant ?? ownVariant;
  return { os, architecture, ...(known && { variant: known }) };
}

/** The platform of this machine's processor, running Linux. */
export const hostPlatform = (): Platform => parsePlatform(process.arch);

export const formatPlatform = ({ os, architecture, variant }: Platform): string =>
  variant ? `${os}/${architecture}/${variant}` : `${os}/${architecture}`;

const variantOf = (platform: Platform): string =>
  platform.variant ?? impliedVariants[platform.architecture] ?? "";

/**
 * How well an image for `offered` runs where `wanted` is asked for: 0 not at all, the more the better. Older variants
 * run on newer processors (arm v6 on v7, amd64 v2 on v3), never the reverse.
 */
export function platformFit(wanted: Platform, offered: Platform): number {
  if (wanted.os !== offered.os || wanted.architecture !== offered.architecture) return 0;
  const [want, have] = [variantOf(wanted), variantOf(offered)];
  if (want === have) return 1000;
  const [wantLevel, haveLevel] = [/^v(\d{1,2})$/.exec(want), /^v(\d{1,2})$/.exec(have)];
  if (!wantLevel || !haveLevel) return 0;
  const behind = Number(wantLevel[1]) - Number(haveLevel[1]);
  return behind > 0 ? 1000 - behind : 0;
}
