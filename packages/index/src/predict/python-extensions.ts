import type { ElfFile } from './elf.ts';
import { readConstants } from './elf-constants.ts';
import type { FoundFile, ImageFiles } from './image-files.ts';

/** Maximum number of modules that an extension module names. */
const MAX_NAMED_MODULES = 1000;
/** A dotted name in the strings of an extension module, NumPy, which many use, or the common code of modules of mypyc. */
const MODULE_STRING = /(?<=\0)(?:numpy|\w+__mypyc|[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+)(?=\0)/g;

/**
 * Returns what may be names of modules that an extension module imports: Cython and C code import them when they are loaded.
 * Modules that Cython did not compile import other packages than their own only when they need them, except for NumPy.
 * @param module - Name of the extension module.
 */
export async function findNamedModules(
  files: ImageFiles,
  file: FoundFile,
  elf: ElfFile,
  module: string,
): Promise<readonly string[]> {
  const texts = await readConstants(files, file, elf);
  const isCython = texts.some((text) => text.includes('cython_runtime'));
  const names = new Set(texts.flatMap((text) => Array.from(text.matchAll(MODULE_STRING), ([match]) => match)));
  const [own = ''] = module.split('.');
  return [...names].slice(0, MAX_NAMED_MODULES).filter((each) => {
    const [first = ''] = each.split('.');
    return isCython || first === own || first === 'numpy' || first.endsWith('__mypyc');
  });
}
