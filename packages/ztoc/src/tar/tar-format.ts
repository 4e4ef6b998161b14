import { ZtocError } from '../errors.ts';
import type { FileType } from '../ztoc.ts';

/** Block size of a tar stream in bytes. */
export const BLOCK_SIZE = 512;

/**
 * Maximum size of a PAX header, a GNU long name or a sparse map, in bytes. It is that of Go's reader
 * (archive/tar/format.go, `maxSpecialFileSize`), and so of the reference.
 */
export const MAX_SPECIAL_FILE_SIZE = 1 << 20;

/** Type flag of an entry before POSIX: a directory if the name ends with a slash, otherwise a regular file. */
export const TYPE_LEGACY = 0x00;
/** `0`: a regular file. */
export const TYPE_REGULAR = 0x30;
/** `x`: PAX records for the next entry. */
export const TYPE_PAX = 0x78;
/** `L`: name of the next entry. */
export const TYPE_GNU_LONG_NAME = 0x4c;
/** `K`: link target of the next entry. */
export const TYPE_GNU_LONG_LINK = 0x4b;

const FILE_TYPES: readonly FileType[] = ['reg', 'hardlink', 'symlink', 'char', 'block', 'dir', 'fifo'];

/**
 * Returns the zTOC file type for a type flag from `0` to `6`; undefined for types that a zTOC cannot contain
 * (ztoc/toc_builder.go, `getType`).
 */
export function fileTypeOf(typeFlag: number): FileType | undefined {
  return FILE_TYPES[typeFlag - TYPE_REGULAR];
}

/** Returns the difference between the type flag of a type and that of a regular file. */
export function numberOfType(type: FileType): number {
  return FILE_TYPES.indexOf(type);
}

/** Returns the number of bytes from `size` to the end of its last block. */
export function paddingAfter(size: number): number {
  return (BLOCK_SIZE - (size % BLOCK_SIZE)) % BLOCK_SIZE;
}

/** Descriptions of the unsupported types `g` and `S`. */
const TYPE_NOTES: Readonly<Record<number, string>> = {
  103: ' (a global PAX header)',
  83: ' (a sparse file in old GNU format)',
};

/**
 * Creates an error for a malformed header or its data.
 * `fault` is the predicate of the sentence "the tar header at byte N ...".
 */
export function invalidHeader(offset: number, fault: string): ZtocError {
  const message = `the tar header at byte ${offset} ${fault}. The layer is damaged or not a tar archive: build or pull it again.`;
  return new ZtocError('TAR_INVALID', message, { offset });
}

/**
 * Creates an error for a well-formed entry that exceeds a limit.
 * `excess` is the predicate of the sentence "the tar header at byte N ...".
 */
export function entryLimitExceeded(offset: number, excess: string): ZtocError {
  return new ZtocError('LIMIT_EXCEEDED', `the tar header at byte ${offset} ${excess}`, { offset });
}

/** Creates an error for an entry with a type that a zTOC cannot contain. */
export function unsupportedType(offset: number, typeFlag: number): ZtocError {
  const name = typeFlag > 0x20 && typeFlag < 0x7f ? `"${String.fromCharCode(typeFlag)}"` : `0x${typeFlag.toString(16)}`;
  const message = `the tar header at byte ${offset} has type ${name}${TYPE_NOTES[typeFlag] ?? ''}, which a zTOC cannot contain. Build the layer without this entry.`;
  return new ZtocError('TAR_ENTRY_UNSUPPORTED', message, { offset });
}
