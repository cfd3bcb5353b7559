import type { Output } from "./output.ts";

const drawEveryMs = 1000;
/** Back to the first column, and everything from there on erased (ECMA-48: EL). */
const erase = "\r\u001b[K";

/** One line at the bottom of a terminal that is drawn again and again; what is said meanwhile stands above it. */
export class StatusLine {
  readonly #isShown: boolean;
  #text: (() => string) | undefined;
  #timer: Timer | undefined;

  /** Without an output, on anything but a terminal, and when quiet or speaking JSON, nothing is drawn. */
  constructor(output: Output | undefined) {
    const isForPeople = output !== undefined && !output.json && output.verbosity >= 0;
    this.#isShown = isForPeople && process.stderr.isTTY === true;
  }

  start(text: () => string): void {
    if (!this.#isShown) return;
    this.#text = text;
    this.#timer = setInterval(() => this.#draw(), drawEveryMs);
    this.#draw();
  }

  /** Lets `say` write whole lines. */
  above(say: () => void): void {
    if (this.#text !== undefined) process.stderr.write(erase);
    say();
    if (this.#text !== undefined) this.#draw();
  }

  stop(): void {
    if (this.#text === undefined) return;
    clearInterval(this.#timer);
    this.#text = undefined;
    process.stderr.write(erase);
  }

  #draw(): void {
    const text = this.#text?.() ?? "";
    process.stderr.write(`${erase}${cut(text, (process.stderr.columns || 80) - 1)}`);
  }
}

/** As much of a line as fits `columns`: a line that wraps could not be erased. */
function cut(text: string, columns: number): string {
  if (Bun.stringWidth(text) <= columns) return text;
  return `${Array.from(text)
    .slice(0, Math.max(0, columns - 1))
    .join("")}…`;
}
