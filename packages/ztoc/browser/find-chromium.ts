import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** As Debian, other distributions and Google name it. */
const NAMES = ['chromium', 'chromium-browser', 'google-chrome'];

/** The path of an installed Chromium: the one that CHROMIUM names, else the first on PATH. */
export function findChromium(): string | undefined {
  if (process.env.CHROMIUM) return process.env.CHROMIUM;
  const folders = (process.env.PATH ?? '').split(delimiter);
  return NAMES.flatMap((name) => folders.map((folder) => join(folder, name))).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
