import packageJson from "../package.json" with { type: "json" };

/** The version of clip; archives record it as their indexer. */
export const version: string = packageJson.version;
