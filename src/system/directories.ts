import { accessSync, constants, lstatSync, mkdirSync, statSync } from "node:fs";
import { isAbsolute, join } from "node:path";
import { ClipError } from "../errors.ts";
import { absolutePath, parentPath } from "./path-names.ts";
import { osPath, shownPath } from "./paths.ts";

/**
 * Where clip keeps its files: the first of a list of places that is there or can be made, is a directory of this user
 * alone, and can be written to. Workers and containers often have no HOME, or one that is read-only.
 */

export type DirectoryKind = "cache" | "runtime" | "state";

/** A directory that was chosen, why, and which better ones were passed over. */
export interface ChosenDirectory {
  readonly path: string;
  /** For messages: "$XDG_CACHE_HOME", "--cache-dir", … */
  readonly because: string;
  readonly passedOver: readonly { readonly path: string; readonly why: string }[];
}

export interface DirectoryOptions {
  /** What the user asked for on the command line. */
  readonly given?: string | undefined;
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  readonly uid?: number;
  /** World-writable directories that are always there, best first; `/var/tmp` keeps its files over a restart. */
  readonly temporary?: readonly string[];
}

interface Candidate {
  readonly path: string;
  readonly because: string;
  /** Chosen by the user for clip alone: root may own it. */
  readonly explicit?: boolean;
  /** Of a fallback in a world-writable place: the directory above `path` whose owner counts. */
  readonly below?: string;
}

/** The directory for layers' cached bytes. @throws ClipError PERMISSION where no place will do. */
export const cacheDirectory = (options: DirectoryOptions = {}): ChosenDirectory =>
  choose("cache", options);

/** The directory for sockets, counters and the state of live mounts. @throws ClipError PERMISSION. */
export const runtimeDirectory = (options: DirectoryOptions = {}): ChosenDirectory =>
  choose("runtime", options);

/** The directory for logs, which outlive mounts. @throws ClipError PERMISSION. */
export const stateDirectory = (options: DirectoryOptions = {}): ChosenDirectory =>
  choose("state", options);

function choose(kind: DirectoryKind, options: DirectoryOptions): ChosenDirectory {
  const uid = options.uid ?? process.geteuid?.() ?? 0;
  const passedOver: { path: string; why: string }[] = [];
  for (const candidate of candidatesFor(kind, options, uid)) {
    const why = prepare(candidate, uid);
    if (why === undefined) return { path: candidate.path, because: candidate.because, passedOver };
    passedOver.push({ path: candidate.path, why });
  }
  const tried = passedOver.map(({ path, why }) => `${shownPath(path)} (${why})`).join(", ");
  const remedy = kind === "cache" ? "give one with --cache-dir" : "make one of them writable";
  throw new ClipError("PERMISSION", `no ${kind} directory can be used: ${tried}; ${remedy}`, {
    kind,
  });
}

function* candidatesFor(
  kind: DirectoryKind,
  options: DirectoryOptions,
  uid: number,
): Generator<Candidate> {
  const env = options.env ?? process.env;
  if (options.given !== undefined) {
    const because = kind === "cache" ? "--cache-dir" : "as given";
    yield { path: absolutePath(options.given), because, explicit: true };
  }
  if (kind === "cache" && env.CLIP_CACHE_DIR) {
    yield { path: absolutePath(env.CLIP_CACHE_DIR), because: "CLIP_CACHE_DIR", explicit: true };
  }
  // The XDG base directory specification says that relative paths are to be ignored.
  const variable = { cache: "XDG_CACHE_HOME", runtime: "XDG_RUNTIME_DIR", state: "XDG_STATE_HOME" };
  const base = env[variable[kind]];
  if (base && isAbsolute(base)) yield { path: join(base, "clip"), because: `$${variable[kind]}` };
  if (kind === "runtime") {
    if (uid === 0) yield { path: "/run/clip", because: "the system's runtime directory" };
  } else if (env.HOME && isAbsolute(env.HOME)) {
    const below = kind === "cache" ? ".cache" : ".local/state";
    yield { path: join(env.HOME, below, "clip"), because: `$HOME/${below}` };
  }
  const temporary = options.temporary ?? ["/var/tmp", "/tmp"];
  // Sockets and live state must not outlast a restart, so the runtime directory prefers /tmp.
  for (const root of kind === "runtime" ? temporary.toReversed() : temporary) {
    const below = join(root, `clip-${uid}`);
    yield { path: join(below, kind), below, because: `fallback in ${root}` };
  }
}

/** Makes the directory where it is missing. Returns why it cannot be used, undefined where it can. */
function prepare(candidate: Candidate, uid: number): string | undefined {
  const { path, below } = candidate;
  try {
    if (below === undefined) mkdirSync(osPath(parentPath(path)), { recursive: true, mode: 0o700 });
    else {
      makePrivate(below);
      const why = judge(below, uid, false);
      if (why !== undefined) return why;
    }
    makePrivate(path);
    const why = judge(path, uid, candidate.explicit ?? false);
    if (why !== undefined) return why;
    // access(2) also tells of read-only filesystems, which the mode bits do not show to root.
    accessSync(osPath(path), constants.W_OK | constants.X_OK);
    return undefined;
  } catch (error) {
    return error instanceof Error ? ((error as { code?: string }).code ?? error.message) : "failed";
  }
}

function makePrivate(path: string): void {
  try {
    mkdirSync(osPath(path), { mode: 0o700 });
  } catch (error) {
    if ((error as { code?: string }).code !== "EEXIST") throw error;
  }
}

/** Whoever can write to the directory could plant files in it, so it has to be this user's alone. */
function judge(path: string, uid: number, explicit: boolean): string | undefined {
  const stat = explicit ? statSync(osPath(path)) : lstatSync(osPath(path));
  if (stat.isSymbolicLink()) return "it is a symbolic link";
  if (!stat.isDirectory()) return "it is not a directory";
  if (stat.uid !== uid && !(explicit && stat.uid === 0)) return `it belongs to user ${stat.uid}`;
  if ((stat.mode & 0o022) !== 0) return "others can write to it";
  return undefined;
}
