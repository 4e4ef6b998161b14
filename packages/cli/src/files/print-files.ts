import { escapeText } from '@soci/oci';
import type { FileEntry, TarInteger } from '@soci/ztoc';
import type { Output } from '../terminal/output.ts';

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
  const show = output.quiet ? ({ name }: FileEntry) => displayName(name) : (file: FileEntry) => fileAsLine(file);
  for (let start = 0; start < files.length && !output.isClosed; start += LINES_PER_WRITE) {
    const some = files.slice(start, start + LINES_PER_WRITE);
    if (output.json) await output.writeJsonLines(some.map(fileAsJson));
    else await output.writeLines(some.map(show));
  }
}

/** In a string of bytes: a character of UTF-8 with several bytes (first group), or a byte that is not UTF-8. */
const UTF8_CHARACTER =
  /([\xc2-\xdf][\x80-\xbf]|\xe0[\xa0-\xbf][\x80-\xbf]|[\xe1-\xec\xee\xef][\x80-\xbf]{2}|\xed[\x80-\x9f][\x80-\xbf]|\xf0[\x90-\xbf][\x80-\xbf]{2}|[\xf1-\xf3][\x80-\xbf]{3}|\xf4[\x80-\x8f][\x80-\xbf]{2})|[\x80-\xff]/g;

/** Decodes a name for the terminal. Writes unprintable characters and bytes that are not UTF-8 as escapes, such as `\xff`. */
function displayName(bytes: Uint8Array): string {
  try {
    return escapeText(strict.decode(bytes));
  } catch {
    const decoded = Buffer.from(bytes)
      .toString('latin1')
      .replace(UTF8_CHARACTER, (byte, character?: string) =>
        character === undefined
          ? `\\x${byte.charCodeAt(0).toString(16)}`
          : Buffer.from(character, 'latin1').toString('utf8'),
      );
    return escapeText(decoded);
  }
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
