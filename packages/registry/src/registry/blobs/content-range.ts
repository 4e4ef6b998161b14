/** Which part of a whole an answer carries. */
export interface ContentRange {
  /** Position of its first byte. */
  readonly first: number;
  /** Position of its last byte. */
  readonly last: number;
  /** Size of the whole; undefined where the server did not say. */
  readonly size: number | undefined;
}

const PATTERN = /^bytes (\d{1,16})-(\d{1,16})\/(\d{1,16}|\*)$/i;

/**
 * Reads the `Content-Range` of a 206.
 *
 * @returns undefined for what is none, or contradicts itself.
 * @see RFC 9110, section 14.4
 */
export function parseContentRange(text: string | undefined): ContentRange | undefined {
  const match = PATTERN.exec(text?.trim() ?? '');
  if (match === null) return undefined;
  const [first, last] = [Number(match[1]), Number(match[2])];
  const size = match[3] === '*' ? undefined : Number(match[3]);
  const isWhole = Number.isSafeInteger(last) && (size === undefined || Number.isSafeInteger(size));
  return isWhole && first <= last && (size === undefined || last < size) ? { first, last, size } : undefined;
}
