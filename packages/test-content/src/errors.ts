/** Returns all text in an error: message, properties, stack and causes. For tests that search for secrets. */
export function everythingIn(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const own = Object.getOwnPropertyNames(error)
    .filter((name) => name !== 'cause')
    .map((name) => JSON.stringify((error as unknown as Record<string, unknown>)[name]));
  return [error.message, ...own, everythingIn(error.cause)].join('\n');
}
