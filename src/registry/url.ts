/** URLs in messages, and which hosts are this machine. */

/** A URL for messages: without userinfo, and without the query, which holds the secret of a signed URL. */
export const redactUrl = (url: URL): string =>
  `${url.origin}${url.pathname}${url.search === "" ? "" : "?…"}`;

/** Whether a host name (as URL.hostname has it) is this machine by definition: RFC 6761 and RFC 1122. */
export const isLoopback = (hostname: string): boolean =>
  hostname === "localhost" ||
  hostname.endsWith(".localhost") ||
  hostname === "[::1]" ||
  /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(hostname);
