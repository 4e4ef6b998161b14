/**
 * Whether a text is one that a pattern of IAM stands for: `*` for any characters, also none, `?` for one.
 *
 * @see IAM User Guide, "IAM JSON policy elements: Resource"
 */
export function matchesWildcards(pattern: string, text: string): boolean {
  const source = pattern
    .replaceAll(/[\\^$.|+()[\]{}]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${source}$`, 's').test(text);
}
