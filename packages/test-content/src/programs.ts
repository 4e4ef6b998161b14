import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Names of the Chromium executable in Debian, in other distributions and from Google. */
const CHROMIUM_NAMES = ['chromium', 'chromium-browser', 'google-chrome'];

/** Returns whether a program is on PATH. Tests that need a program have it in their name, and are skipped without it. */
export function hasProgram(name: string): boolean {
  return findProgram(name) !== undefined;
}

/** Returns the path of Chromium: the environment variable `CHROMIUM`, or a program on PATH. */
export function findChromium(): string | undefined {
  if (process.env.CHROMIUM) return process.env.CHROMIUM;
  return CHROMIUM_NAMES.map(findProgram).find((path) => path !== undefined);
}

function findProgram(name: string): string | undefined {
  const folders = (process.env.PATH ?? '').split(delimiter);
  return folders.map((folder) => join(folder, name)).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
