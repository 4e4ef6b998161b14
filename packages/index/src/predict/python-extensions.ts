import type { ElfFile } from './elf.ts';
import type { FoundFile, ImageFiles } from './image-files.ts';

/** Maximum size of the strings of an extension module that are searched for modules, in bytes. */
const MAX_STRINGS_SIZE = 2 << 20;
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
  { sections }: ElfFile,
  module: string,
): Promise<readonly string[]> {
  const texts: string[] = [];
  for (const { name, offset, length } of sections) {
    if (!name.startsWith('.rodata')) continue;
    const bytes = await files.read(file, offset, Math.min(length, MAX_STRINGS_SIZE));
    texts.push(Buffer.from(bytes ?? []).toString('latin1'));
  }
  const isCython = texts.some((text) => text.includes('cython_runtime'));
  const names = new Set(texts.flatMap((text) => Array.from(text.matchAll(MODULE_STRING), ([match]) => match)));
  const [own = ''] = module.split('.');
  return [...names].slice(0, MAX_NAMED_MODULES).filter((each) => {
    const [first = ''] = each.split('.');
    return isCython || first === own || first === 'numpy' || first.endsWith('__mypyc');
  });
}
