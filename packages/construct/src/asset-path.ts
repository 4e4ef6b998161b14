import { join } from 'node:path';

/** Where a file is that the package ships: beside `dist`, as beside `src`. */
export function assetPath(name: string): string {
  return join(__dirname, '..', 'assets', name);
}
