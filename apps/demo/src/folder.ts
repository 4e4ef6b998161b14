import { existsSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { isAbsolute, join, relative } from 'node:path';

/** Where images are kept: where other tools keep their caches too; elsewhere a folder that is this person's own. */
export function defaultFolder(): string {
  if (existsSync('node_modules')) return join('node_modules', '.cache', 'soci-index-demo');
  return join(tmpdir(), `soci-index-demo-${userInfo().username}`);
}

/** Paths below the current folder are shown, and can be typed, as they are from here. */
export function shortestPath(path: string): string {
  const fromHere = relative('.', path) || '.';
  return fromHere.startsWith('..') || isAbsolute(fromHere) ? path : fromHere;
}
