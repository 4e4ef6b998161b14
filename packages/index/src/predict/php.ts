import type { ElfFile } from './elf.ts';
import { readConstants } from './elf-constants.ts';
import type { Interpreting } from './interpreter.ts';
import type { Origin } from './prediction.ts';

/** Maximum number of paths in the constants of PHP that are looked up. PHP 8.2 has 20. */
const MAX_PATHS = 200;
/** Maximum number of files of settings, and of extensions that one names. */
const MAX_FILES = 200;
/** Maximum size of a file of settings, in bytes. */
const MAX_SIZE = 256 << 10;
/** An absolute path in the constants of a program. */
const PATH = /(?<=\0)\/[\w.+/-]{3,200}(?=\0)/g;
const EXTENSION = /^[ \t]*(?:zend_)?extension[ \t]*=[ \t]*"?([\w./+-]{1,200})/gm;

/**
 * Predicts the settings of PHP and the extensions that they load. PHP contains the paths of its directories, which differ
 * between distributions: those with `.ini` files have settings, those with `.so` files extensions.
 */
export async function addPhp({ prediction, libraries, file, origin }: Interpreting, elf: ElfFile): Promise<void> {
  const { files } = prediction;
  const constants = (await readConstants(files, file, elf)).flatMap((text) => text.match(PATH) ?? []);
  const next: Origin = { ...origin, reason: 'configuration', from: file.path };
  const settings: string[] = [];
  const directories: string[] = [];
  for (const path of [...new Set(constants)].slice(0, MAX_PATHS)) {
    const names = (await files.list(path)) ?? [];
    settings.push(...names.filter((name) => name.endsWith('.ini')).map((name) => `${path}/${name}`));
    if (names.some((name) => name.endsWith('.so'))) directories.push(path);
  }
  for (const path of settings.slice(0, MAX_FILES)) {
    const found = await prediction.addPath(path, next);
    const text = found && (await files.readText(found, MAX_SIZE));
    for (const [, name = ''] of [...(text ?? '').matchAll(EXTENSION)].slice(0, MAX_FILES)) {
      const base = name.endsWith('.so') ? name : `${name}.so`;
      for (const candidate of name.startsWith('/') ? [base] : directories.map((each) => `${each}/${base}`)) {
        const library = await files.find(candidate);
        if (library === undefined) continue;
        prediction.visit('extension', library, next, async () => {
          await libraries.addElf(library, { ...next, reason: 'library' }, { isProgram: false });
        });
        break;
      }
    }
  }
}
