import type { ElfFile } from './elf.ts';
import type { FoundFile, ImageFiles } from './image-files.ts';

/** Maximum size of a section that is read, in bytes. */
const MAX_SIZE = 2 << 20;

/** Reads the constants of an ELF file, with its strings, as Latin-1: one text for each section of constants. */
export async function readConstants(
  files: ImageFiles,
  file: FoundFile,
  { sections }: ElfFile,
): Promise<readonly string[]> {
  const texts: string[] = [];
  for (const { name, offset, length } of sections) {
    if (!name.startsWith('.rodata')) continue;
    const bytes = await files.read(file, offset, Math.min(length, MAX_SIZE));
    texts.push(Buffer.from(bytes ?? []).toString('latin1'));
  }
  return texts;
}
