import { ClipError } from "../../errors.ts";

/** Makes the errors of one tar: each names the tar and the offset of the block that was being read. */
export class TarFaults {
  /** Offset in the tar of the block being read. */
  at = 0;

  constructor(readonly tarName: string) {}

  corrupt(what: string): ClipError {
    return new ClipError(
      "TAR_CORRUPT",
      `${this.tarName} is not a sound tar: at byte ${this.at}, ${what}`,
      { offset: this.at },
    );
  }

  limit(what: string): ClipError {
    return new ClipError("LIMIT_EXCEEDED", `${this.tarName}: at byte ${this.at}, ${what}`, {
      offset: this.at,
    });
  }

  unsupported(what: string): ClipError {
    return new ClipError("UNSUPPORTED", `${this.tarName}: at byte ${this.at}, ${what}`, {
      offset: this.at,
    });
  }
}
