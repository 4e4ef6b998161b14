import type { FileEntry, TarInteger } from '@soci/ztoc';
import type { Output } from '../terminal/output.ts';
import { printable } from '../terminal/text.ts';

const strict = new TextDecoder('utf-8', { fatal: true });
const lenient = new TextDecoder();

/** Lines per write. Limits both the number of writes and the size of one. */
const LINES_PER_WRITE = 1000;

/** Returns a file of a layer as `--json` prints it. docs/cli.md documents the fields. */
export function fileAsJson(file: FileEntry): object {
  const records = file.paxRecords.map(([key, value]) => [lenient.decode(key), lenient.decode(value)]);
  return {
    ...nameField('name', file.name),
    type: file.type,
    size: file.uncompressedSize,
    offset: file.uncompressedOffset,
    mode: jsonInteger(file.mode),
    uid: file.uid,
    gid: file.gid,
    ...nameField('userName', file.userName),
    ...nameField('groupName', file.groupName),
    modTime: file.modTime,
    ...(file.linkName.length > 0 && nameField('linkName', file.linkName)),
    ...((file.type === 'char' || file.type === 'block') && {
      devMajor: jsonInteger(file.devMajor),
      devMinor: jsonInteger(file.devMinor),
    }),
    ...(records.length > 0 && { paxRecords: Object.fromEntries(records) }),
  };
}

/**
 * Formats a file of a layer like `ls -l`.
 *
 * @param shownName - Name to print. @default the name in the archive
 */
export function fileAsLine(file: FileEntry, shownName: string = displayName(file.name)): string {
  const owner = `${displayName(file.userName) || file.uid}/${displayName(file.groupName) || file.gid}`;
  const link =
    file.linkName.length === 0 ? '' : ` ${file.type === 'symlink' ? '->' : 'link to'} ${displayName(file.linkName)}`;
  const size = file.type === 'reg' ? String(file.uncompressedSize) : '-';
  const time = file.modTime.slice(0, 16).replace('T', ' ').padEnd(16);
  return `${modeString(file)}  ${owner.padEnd(12)}  ${size.padStart(11)}  ${time}  ${shownName}${link}`;
}

/** Prints one line per file: JSON with `--json`, the name with `--quiet`, otherwise like `ls -l`. */
export async function printFiles(files: readonly FileEntry[], output: Output): Promise<void> {
  const show = output.json
    ? (file: FileEntry) => JSON.stringify(fileAsJson(file))
    : output.quiet
      ? (file: FileEntry) => displayName(file.name)
      : (file: FileEntry) => fileAsLine(file);
  for (let start = 0; start < files.length; start += LINES_PER_WRITE) {
    await output.writeLine(
      files
        .slice(start, start + LINES_PER_WRITE)
        .map(show)
        .join('\n'),
    );
  }
}

/** Decodes a name for the terminal: replaces invalid UTF-8 and escapes control characters. */
function displayName(bytes: Uint8Array): string {
  return printable(lenient.decode(bytes));
}

/** Returns a JSON field with a name. If the name is not valid UTF-8, adds a field with its bytes in hexadecimal. */
function nameField<Field extends string>(field: Field, bytes: Uint8Array): object {
  try {
    return { [field]: strict.decode(bytes) };
  } catch {
    return { [field]: lenient.decode(bytes), [`${field}Hex`]: Buffer.from(bytes).toString('hex') };
  }
}

/** Returns an integer above 2^53 as a string, because many JSON readers would round it. */
function jsonInteger(value: TarInteger): number | string {
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
