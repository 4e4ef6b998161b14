/** Everything that an error tells a reader: its message, its own properties, its stack, its causes. */
export function everythingIn(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const own = Object.getOwnPropertyNames(error)
    .filter((name) => name !== 'cause')
    .map((name) => JSON.stringify((error as unknown as Record<string, unknown>)[name]));
  return [error.message, ...own, everythingIn(error.cause)].join('\n');
}
