import { httpFailure } from "./failure.ts";
import type { HttpAnswer } from "./send.ts";

/**
 * The whole body of an answer, at most `limit` bytes.
 * @throws ClipError LIMIT_EXCEEDED; UNREACHABLE (retryable) where it is shorter than announced.
 */
export async function readBody(answer: HttpAnswer, limit: number): Promise<Uint8Array> {
  try {
    const announced = contentLength(answer.headers);
    const tooLong = (): Error =>
      httpFailure("LIMIT_EXCEEDED", answer.request, `the answer is longer than ${limit} bytes`, {
        retryable: false,
        status: answer.status,
      });
    if (announced !== undefined && announced > limit) throw tooLong();
    const pieces: Uint8Array[] = [];
    let length = 0;
    for await (const piece of answer.chunks()) {
      length += piece.length;
      if (length > limit) throw tooLong();
      pieces.push(piece);
    }
    if (announced !== undefined && length !== announced) {
      const why = `the body ended after ${length} of ${announced} bytes`;
      throw httpFailure("UNREACHABLE", answer.request, why, { retryable: true });
    }
    return Buffer.concat(pieces);
  } finally {
    await answer.close();
  }
}

/** The length that an answer announces, where it does so in a sensible way. */
export function contentLength(headers: Headers): number | undefined {
  const value = headers.get("content-length");
  return value !== null && /^\d{1,15}$/.test(value) ? Number(value) : undefined;
}
