import { spawn } from "node:child_process";
import { closeSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { ClipError, type ErrorCode, type ErrorData, toClipError } from "../errors.ts";
import { stateDirectory } from "../system/directories.ts";
import { commandArguments } from "../system/paths.ts";

/** What the detached server tells the command that started it, as one JSON line on a pipe. */
type Message =
  | { readonly ready: true; readonly pid: number }
  | {
      readonly ready: false;
      readonly code: ErrorCode;
      readonly message: string;
      readonly data: ErrorData;
    };

const readyVariable = "CLIP_READY_FD";
const logVariable = "CLIP_LOG_FILE";
const idVariable = "CLIP_MOUNT_ID";
/** The arguments as JSON, which can hold what is not UTF-8 (system/paths.ts): Bun gives children text only. */
const argumentsVariable = "CLIP_ARGUMENTS";
const readyDescriptor = 3;
const maxMessageBytes = 64 * 1024;

export interface Detached {
  readonly pid: number;
  /** File that gets the server's messages. */
  readonly log: string;
}

/**
 * Starts this program again with `args`, in a session of its own and with its messages going to a log file, and
 * waits until it says that the mount is ready.
 * @throws ClipError: the server's own, when it failed to start.
 */
export async function startDetached(
  id: string,
  args: readonly string[],
  signal?: AbortSignal,
): Promise<Detached> {
  const log = join(stateDirectory().path, `mount-${id}.log`);
  const logFd = openSync(log, "a", 0o600);
  const [program, ...prefix] = ownCommand();
  const child = spawn(program!, [...prefix, ...args], {
    detached: true,
    stdio: ["ignore", logFd, logFd, "pipe"],
    env: {
      ...process.env,
      [readyVariable]: String(readyDescriptor),
      [logVariable]: log,
      [idVariable]: id,
      [argumentsVariable]: JSON.stringify(args),
    },
  });
  closeSync(logFd);
  const stop = () => child.kill("SIGTERM");
  signal?.addEventListener("abort", stop, { once: true });
  try {
    const message = await firstMessage(
      child.stdio[readyDescriptor] as NodeJS.ReadableStream,
      child,
    );
    if (message === undefined) {
      throw signal?.aborted === true
        ? new ClipError("INTERRUPTED", "interrupted before the mount was ready")
        : new ClipError(
            "MOUNT_FAILED",
            `the detached server ended before the mount was ready; its messages are in ${log}`,
            { log },
          );
    }
    if (!message.ready) throw new ClipError(message.code, message.message, message.data);
    child.unref();
    return { pid: message.pid, log };
  } finally {
    signal?.removeEventListener("abort", stop);
  }
}

/** The program's arguments, also in a detached server. */
export function programArguments(): string[] {
  const text = process.env[argumentsVariable];
  if (text === undefined || process.env[readyVariable] === undefined) return commandArguments();
  return JSON.parse(text) as string[];
}

export interface DetachedParent {
  /** The mount's id, and the file that gets its messages. */
  readonly id: string;
  readonly log: string;
  ready(): void;
  failed(error: unknown): void;
}

/** In the detached server: who started it, and where messages go; undefined when it runs in the foreground. */
export function detachedParent(): DetachedParent | undefined {
  const fd = Number(process.env[readyVariable] ?? Number.NaN);
  const log = process.env[logVariable];
  const id = process.env[idVariable];
  if (!Number.isInteger(fd) || log === undefined || id === undefined) return undefined;
  for (const name of [readyVariable, logVariable, idVariable, argumentsVariable]) {
    delete process.env[name];
  }
  const tell = (message: Message) => {
    try {
      writeSync(fd, Buffer.from(`${JSON.stringify(message)}\n`));
      closeSync(fd);
    } catch {
      // The command that started us is gone; the mount goes on without it.
    }
  };
  return {
    id,
    log,
    ready: () => tell({ ready: true, pid: process.pid }),
    failed: (error) => {
      const { code, message, data } = toClipError(error);
      tell({ ready: false, code, message, data });
    },
  };
}

/** How to start this program again: the binary itself or, when run from source, Bun and the entry file. */
export const ownCommand = (): readonly string[] =>
  Bun.main.startsWith("/$bunfs/") ? [process.execPath] : [process.execPath, Bun.main];

function firstMessage(
  stream: NodeJS.ReadableStream,
  child: ReturnType<typeof spawn>,
): Promise<Message | undefined> {
  return new Promise((resolve) => {
    let text = "";
    const finish = () => {
      try {
        resolve(JSON.parse(text) as Message);
      } catch {
        resolve(undefined);
      }
    };
    stream.on("data", (piece: Buffer) => {
      text += piece.toString("utf8");
      if (text.endsWith("\n") || text.length > maxMessageBytes) finish();
    });
    stream.on("end", finish);
    child.on("error", finish);
  });
}
