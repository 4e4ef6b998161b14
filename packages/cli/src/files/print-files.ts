import type { FileEntry, TarInteger } from '@soci/ztoc';
import type { Output } from '../terminal/output.ts';
import { printable } from '../terminal/text.ts';

const strict = new TextDecoder('utf-8', { fatal: true });
const lenient = new TextDecoder();

/** How many lines are handed on at once: a million files are not a million writes, nor one of a gigabyte. */
const BATCH = 1000;

/** A file of a layer as `--json` shows it; docs/cli.md says what each field means. */
export function fileAsJson(file: FileEntry): object {
  const records = file.paxRecords.map(([key, value]) => [lenient.decode(key), lenient.decode(value)]);
  return {
    ...named('name', file.name),
    type: file.type,
    size: file.uncompressedSize,
    offset: file.uncompressedOffset,
    mode: exact(file.mode),
    uid: file.uid,
    gid: file.gid,
    ...named('userName', file.userName),
    ...named('groupName', file.groupName),
    modTime: file.modTime,
    ...(file.linkName.length > 0 && named('linkName', file.linkName)),
    ...((file.type === 'char' || file.type === 'block') && {
      devMajor: exact(file.devMajor),
      devMinor: exact(file.devMinor),
    }),
    ...(records.length > 0 && { paxRecords: Object.fromEntries(records) }),
  };
}

/** A file of a layer as `ls -l` shows it. @param shown its name, where that is not to be the archive's */
export function fileAsLine(file: FileEntry, shown: string = name(file.name)): string {
  const owner = `${name(file.userName) || file.uid}/${name(file.groupName) || file.gid}`;
  const link =
    file.linkName.length === 0 ? '' : ` ${file.type === 'symlink' ? '->' : 'link to'} ${name(file.linkName)}`;
  const size = file.type === 'reg' ? String(file.uncompressedSize) : '-';
  const time = file.modTime.slice(0, 16).replace('T', ' ').padEnd(16);
  return `${modeString(file)}  ${owner.padEnd(12)}  ${size.padStart(11)}  ${time}  ${shown}${link}`;
}

/** Prints files: one JSON object a line, or one line as `ls -l` has it; names alone with `--quiet`. */
export async function printFiles(files: readonly FileEntry[], output: Output): Promise<void> {
  const show = output.json
    ? (file: FileEntry) => JSON.stringify(fileAsJson(file))
    : output.quiet
      ? (file: FileEntry) => name(file.name)
      : (file: FileEntry) => fileAsLine(file);
  for (let start = 0; start < files.length; start += BATCH) {
    await output.writeLine(
      files
        .slice(start, start + BATCH)
        .map(show)
        .join('\n'),
    );
  }
}

/** A name for people: what is no UTF-8 is replaced, what would disturb the terminal is escaped. */
function name(bytes: Uint8Array): string {
  return printable(lenient.decode(bytes));
}

/** A name for programs: text, and where it is no UTF-8 its bytes in hexadecimal too. */
function named<Field extends string>(field: Field, bytes: Uint8Array): object {
  try {
    return { [field]: strict.decode(bytes) };
  } catch {
    return { [field]: lenient.decode(bytes), [`${field}Hex`]: Buffer.from(bytes).toString('hex') };
  }
}

/** JSON has no integers beyond 2^53 that every reader keeps: those are written as text. */
function exact(value: TarInteger): number | string {
  return typeof value === 'bigint' ? String(value) : value;
}

const TYPE_LETTERS = { reg: '-', dir: 'd', symlink: 'l', hardlink: 'h', char: 'c', block: 'b', fifo: 'p' } as const;

function modeString({ type, mode }: FileEntry): string {
  const bits = Number(BigInt.asUintN(12, BigInt(mode)));
  const triple = (shift: number, special: boolean, letter: string) => {
    const executable = (bits >> shift) & 1;
    const last = special ? (executable ? letter : letter.toUpperCase()) : executable ? 'x' : '-';
    return `${(bits >> shift) & 4 ? 'r' : '-'}${(bits >> shift) & 2 ? 'w' : '-'}${last}`;
  };
  const user = triple(6, (bits & 0o4000) !== 0, 's');
  const group = triple(3, (bits & 0o2000) !== 0, 's');
  return `${TYPE_LETTERS[type]}${user}${group}${triple(0, (bits & 0o1000) !== 0, 't')}`;
}
