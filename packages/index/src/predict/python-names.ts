/** Returns the package that contains a module; empty for a top-level module. */
export function parentOf(name: string): string {
  return name.slice(0, Math.max(name.lastIndexOf('.'), 0));
}

/** Returns the absolute name of a module. @returns `undefined` for a relative import above the top. */
export function absoluteName(module: string, inPackage: string): string | undefined {
  const dots = /^\.*/.exec(module)?.[0].length ?? 0;
  if (dots === 0) return module;
  const parts = inPackage === '' ? [] : inPackage.split('.');
  if (dots > parts.length) return undefined;
  const rest = module.slice(dots);
  return [...parts.slice(0, parts.length - dots + 1), ...(rest === '' ? [] : [rest])].join('.');
}

/** Returns whether a module may be part of the interpreter itself. */
export function isBuiltIn(name: string): boolean {
  return name.startsWith('_') || BUILT_IN.has(name);
}

/** Modules that the interpreter contains, without those that start with `_` (`sys.builtin_module_names`). */
const BUILT_IN: ReadonlySet<string> = new Set(
  'array atexit binascii builtins cmath errno faulthandler fcntl gc grp itertools marshal math posix pwd select sys syslog time unicodedata zlib'.split(
    ' ',
  ),
);

/** Modules that the interpreter contains since 3.11, so that their files are not read (Python/frozen.c). */
export const FROZEN: ReadonlySet<string> = new Set([
  '_collections_abc',
  '_sitebuiltins',
  'abc',
  'codecs',
  'genericpath',
  'importlib._bootstrap',
  'importlib._bootstrap_external',
  'importlib.machinery',
  'importlib.util',
  'io',
  'ntpath',
  'os',
  'posixpath',
  'runpy',
  'site',
  'stat',
  'zipimport',
]);
