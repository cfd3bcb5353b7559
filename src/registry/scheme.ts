import { isClipError } from "../errors.ts";
import type { HttpClient } from "./http-client.ts";
import { isLoopback } from "./url.ts";

/**
 * The base URL of a registry: https, and plain http for this machine. With `insecure` https is tried first and http
 * where nothing answers https.
 * @throws ClipError UNREACHABLE, TIMEOUT.
 */
export async function findApi(http: HttpClient, host: string, insecure: boolean): Promise<URL> {
  const tls = new URL(`https://${host}/`);
  const plain = new URL(`http://${host}/`);
  if (!insecure) return isLoopback(tls.hostname) ? plain : tls;
  for (const base of [tls, plain]) {
    try {
      const answer = await http.exchange({
        method: "GET",
        url: new URL("/v2/", base),
        headers: {},
      });
      await answer.close();
      return base;
    } catch (error) {
      if (base === plain || !isClipError(error, "UNREACHABLE")) throw error;
    }
  }
  return plain;
}
