import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** As esbuild writes them: `from"./a.js"`, `import"./a.js"`. */
const AT_ONCE = /(?:from|import)"\.\/([^"]+)"/g;
/** `import("./a.js")`. */
const LAZILY = /import\("\.\/([^"]+)"\)/g;

/**
 * The files of a bundle that entries come to load, themselves included, sorted.
 *
 * @param options - `lazily`: what is imported on demand as well.
 */
export function reachedFiles(
  folder: string,
  entries: readonly string[],
  options: { readonly lazily: boolean },
): string[] {
  const reached = new Set(entries);
  for (const file of reached) {
    const text = readFileSync(join(folder, file), 'utf8');
    const imports = [...text.matchAll(AT_ONCE), ...(options.lazily ? text.matchAll(LAZILY) : [])];
    for (const [, name = ''] of imports) reached.add(name);
  }
  return [...reached].sort();
}
