import {
  type ArchiveFacts,
  type EntryFacts,
  inspectArchive,
  inspectEntry,
} from "../content/inspect.ts";
import {
  formatBytes,
  formatCount,
  formatMode,
  formatTable,
  formatTime,
  shortDigest,
} from "../format.ts";
import { formatSource } from "../stores/source.ts";
import { pathBytes } from "../system/paths.ts";
import { openForCommand } from "./archive-flags.ts";
import { archivePositional, command, sharedFlags } from "./command.ts";

export default command({
  examples: [
    ["clip inspect app.clip", "origin, config, layers, sections, totals"],
    [
      "clip inspect app.clip /usr/bin/python3.11",
      "attributes, and layer, offset, checkpoint, granules",
    ],
  ],
  flags: (yargs) =>
    yargs
      .positional("archive", archivePositional)
      .positional("path", { type: "string", describe: "A path inside the image" })
      .options({ "cache-dir": sharedFlags.cacheDir }),
  async run(flags, { output }) {
    const { archive, image, close } = await openForCommand(flags);
    try {
      const facts =
        flags.path === undefined
          ? { value: inspectArchive(archive, image), draw: drawArchive }
          : { value: inspectEntry(archive, image, pathBytes(flags.path)), draw: drawEntry };
      if (output.json) output.value(facts.value);
      else
        for (const line of (facts.draw as (value: unknown) => string[])(facts.value))
          output.line(line);
      return 0;
    } finally {
      await close();
    }
  },
});

function drawArchive(facts: ArchiveFacts): string[] {
  const { totals } = facts;
  const config = facts.config as {
    architecture?: string;
    os?: string;
    config?: Record<string, unknown>;
  };
  const run = config.config ?? {};
  const shown = (name: string) =>
    run[name] === undefined || run[name] === null ? "-" : JSON.stringify(run[name]);
  return [
    `archive      ${facts.archive}`,
    `size         ${formatBytes(facts.size)} (${percent(facts.size, totals.compressedBytes)} of the image)`,
    `id           ${facts.id}`,
    `made by      ${facts.indexer}, clip version ${facts.clipVersion}, container format ${facts.containerFormat}, checkpoints at most ${formatBytes(facts.checkpointBytes)} apart`,
    `origin       ${formatSource(facts.origin)}`,
    `manifest     ${facts.manifest.digest}`,
    `platform     ${config.os ?? "?"}/${config.architecture ?? "?"}`,
    `entrypoint   ${shown("Entrypoint")}`,
    `command      ${shown("Cmd")}`,
    `environment  ${shown("Env")}`,
    `user         ${shown("User")}, directory ${shown("WorkingDir")}`,
    "",
    ...formatTable(
      [
        ">LAYER",
        "DIGEST",
        "CODEC",
        ">COMPRESSED",
        ">TAR",
        ">CHECKPOINTS",
        ">WINDOWS",
        "MEDIA TYPE",
      ],
      facts.layers.map((layer, i) => [
        String(i),
        shortDigest(layer.digest),
        layer.codec,
        formatBytes(layer.size),
        formatBytes(layer.tarSize),
        formatCount(layer.checkpoints),
        formatBytes(layer.windowBytes),
        layer.mediaType,
      ]),
    ),
    ...facts.layers.flatMap((layer, i) =>
      layer.note === undefined ? [] : [`layer ${i}: ${layer.note}`],
    ),
    "",
    ...formatTable(
      ["SECTION", "CODEC", ">OFFSET", ">STORED", ">RAW"],
      facts.sections.map((section) => [
        section.name,
        section.codec,
        String(section.offset),
        formatBytes(section.storedSize),
        formatBytes(section.rawSize),
      ]),
    ),
    "",
    `total        ${formatBytes(totals.compressedBytes)} compressed, ${formatBytes(totals.tarBytes)} of tar, ${formatCount(totals.inodes)} inodes, ${formatCount(totals.checkpoints)} checkpoints with ${formatBytes(totals.windowBytes)} of windows, ${formatCount(totals.granules)} granules`,
  ];
}

function drawEntry(entry: EntryFacts): string[] {
  const target = entry.target === undefined ? "" : ` -> ${entry.target}`;
  return [
    `  File: ${entry.path}${target}`,
    `  Size: ${entry.size}  Allocated: ${entry.allocated}  Type: ${entry.type}${entry.rdev === undefined ? "" : `  Device: ${entry.rdev}`}`,
    ` Inode: ${entry.inode}  Links: ${entry.nlink}`,
    `Access: (${(entry.mode & 0o7777).toString(8).padStart(4, "0")}/${formatMode(entry.mode)})  Uid: ${entry.uid}  Gid: ${entry.gid}`,
    `Modify: ${formatTime(entry.mtime, entry.mtimeNs)}`,
    ...entry.xattrs.map(({ name, hex }) => ` Xattr: ${name}=0x${hex}`),
    ...(entry.data.length === 0 ? [] : [""]),
    ...formatTable(
      [
        ">FILE OFFSET",
        ">LENGTH",
        ">LAYER",
        "DIGEST",
        ">TAR OFFSET",
        ">CHECKPOINT",
        "KIND",
        ">AT BIT",
        "FETCH",
        ">GRANULES",
      ],
      entry.data.map((run) => [
        String(run.offset),
        String(run.length),
        String(run.layer),
        shortDigest(run.digest),
        String(run.tarOffset),
        String(run.checkpoint.number),
        run.checkpoint.kind,
        String(run.checkpoint.bit),
        `${run.fetch.from}-${run.fetch.to}`,
        String(run.fetch.granules),
      ]),
    ).slice(entry.data.length === 0 ? 1 : 0),
  ];
}

const percent = (part: number, whole: number): string =>
  `${((100 * part) / Math.max(1, whole)).toFixed(2)} %`;
