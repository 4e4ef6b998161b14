/**
 * A module of Node itself (or of a runtime that has the same ones), or `undefined` where there is none.
 * Asked for at run time, so that the package's core imports nothing a browser or a bundler would miss.
 */
export function nodeBuiltin<Id extends 'node:crypto' | 'node:zlib'>(
  id: Id,
): ReturnType<typeof process.getBuiltinModule<Id>> | undefined {
  // `process` is absent in browsers, and a bundler's stand-in for it has no such method.
  if (typeof process !== 'object' || typeof process.getBuiltinModule !== 'function') return undefined;
  return process.getBuiltinModule(id);
}
