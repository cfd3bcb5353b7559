/** The WWW-Authenticate header (RFC 9110, section 11.6.1). */

export interface Challenge {
  /** Lower case: "bearer", "basic". */
  readonly scheme: string;
  /** Names are lower case; where one is repeated, the first counts. */
  readonly parameters: ReadonlyMap<string, string>;
}

const maxHeaderLength = 16 * 1024;
const token = /[!#$%&'*+\-.^_`|~0-9A-Za-z]+/y;
const token68 = /[A-Za-z0-9\-._~+/]+=*(?=[ \t]*(?:,|$))/y;
const quoted = /"((?:[^"\\]|\\.)*)"/y;
const equals = /[ \t]*=[ \t]*/y;
const spaces = /[ \t]+/y;
const separators = /[ \t,]*/y;

/**
 * The challenges of a header in order. Several headers come joined by commas. Where the header stops making sense,
 * reading stops, and what was understood up to there counts.
 */
export function parseChallenges(header: string): Challenge[] {
  const text = header.slice(0, maxHeaderLength);
  const challenges: { scheme: string; parameters: Map<string, string> }[] = [];
  let at = 0;
  const take = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at;
    const match = pattern.exec(text);
    if (match !== null) at = pattern.lastIndex;
    return match;
  };
  for (;;) {
    take(separators);
    const name = take(token)?.[0];
    if (name === undefined) return challenges;
    // A token followed by "=" is a parameter of the challenge before it, any other one starts a new challenge.
    if (challenges.length > 0 && take(equals)) {
      const value = take(quoted)?.[1]?.replace(/\\(.)/g, "$1") ?? take(token)?.[0];
      if (value === undefined) return challenges;
      const { parameters } = challenges.at(-1)!;
      if (!parameters.has(name.toLowerCase())) parameters.set(name.toLowerCase(), value);
      continue;
    }
    challenges.push({ scheme: name.toLowerCase(), parameters: new Map() });
    if (take(spaces)) take(token68);
  }
}
