import { ClipError, type ErrorCode } from "../../src/errors.ts";

/** The ClipError that `work` fails with, asserted to have `code`. */
export async function failing(
  code: ErrorCode,
  work: () => unknown | Promise<unknown>,
): Promise<ClipError> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof ClipError)) throw error;
    if (error.code !== code) throw new Error(`${error.code} instead of ${code}: ${error.message}`);
    return error;
  }
  throw new Error(`no error where ${code} was expected`);
}
