/** Characters of a foreign text that a message repeats. */
const SHOWN_LENGTH = 80;

/** A foreign value for a message: short whatever it is, and without characters that could forge a line of a log. */
export function quoteShort(value: unknown): string {
  if (typeof value === 'string') {
    if (value.length <= SHOWN_LENGTH) return JSON.stringify(value);
    return `${JSON.stringify(value.slice(0, SHOWN_LENGTH))}... of ${value.length} characters`;
  }
  if (value === null || typeof value === 'boolean') return String(value);
  if (Array.isArray(value)) return 'an array';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}
