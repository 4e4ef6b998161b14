import { ZtocError } from '../errors.ts';
import type { FileType } from '../ztoc.ts';

/** Everything in a tar stream comes in blocks of this many bytes. */
export const BLOCK_SIZE = 512;

/**
 * Bytes that a PAX header, a GNU long name or a sparse map may take: Go's reader refuses more
 * (archive/tar/format.go, `maxSpecialFileSize`), so the reference does too.
 */
export const MAX_SPECIAL_FILE_SIZE = 1 << 20;

/** Type flag of an entry before POSIX: a directory where the name ends in a slash, else a regular file. */
export const TYPE_LEGACY = 0x00;
/** `x`: PAX records for the next entry. */
export const TYPE_PAX = 0x78;
/** `L`: name of the next entry. */
export const TYPE_GNU_LONG_NAME = 0x4c;
/** `K`: link target of the next entry. */
export const TYPE_GNU_LONG_LINK = 0x4b;

const FILE_TYPES: readonly FileType[] = ['reg', 'hardlink', 'symlink', 'char', 'block', 'dir', 'fifo'];

/**
 * What a zTOC calls an entry with type flag `0` to `6`; undefined for the types it cannot hold
 * (ztoc/toc_builder.go, `getType`).
 */
export function fileTypeOf(typeFlag: number): FileType | undefined {
  return FILE_TYPES[typeFlag - 0x30];
}

/** Bytes from `size` to the end of its last block. */
export function paddingAfter(size: number): number {
  return (BLOCK_SIZE - (size % BLOCK_SIZE)) % BLOCK_SIZE;
}

/** What types are that a zTOC cannot hold, `g` and `S`. */
const TYPE_NOTES: Readonly<Record<number, string>> = {
  103: ' (a global PAX header)',
  83: ' (a sparse file in old GNU format)',
};

/**
 * An error about a header, or data belonging to it, that breaks tar's rules.
 * `fault` reads on after "the tar header at byte N".
 */
export function invalidHeader(offset: number, fault: string): ZtocError {
  const message = `The tar header at byte ${offset} ${fault}: the layer is damaged or is no tar archive; build or pull it again.`;
  return new ZtocError('TAR_INVALID', message, { offset });
}

/**
 * An error about an entry that is well formed but asks for more than is allowed.
 * `excess` reads on after "the tar header at byte N".
 */
export function excessiveEntry(offset: number, excess: string): ZtocError {
  return new ZtocError('LIMIT_EXCEEDED', `The tar header at byte ${offset} ${excess}.`, { offset });
}

/** An error about an entry of a type that a zTOC cannot hold. */
export function unsupportedType(offset: number, typeFlag: number): ZtocError {
  const name = typeFlag > 0x20 && typeFlag < 0x7f ? `"${String.fromCharCode(typeFlag)}"` : `0x${typeFlag.toString(16)}`;
  const message = `The tar header at byte ${offset} has the type ${name}${TYPE_NOTES[typeFlag] ?? ''}, which a zTOC cannot hold: build the layer without it.`;
  return new ZtocError('TAR_ENTRY_UNSUPPORTED', message, { offset });
}
