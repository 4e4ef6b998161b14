import { ZtocError } from '../errors.ts';
import { TYPE_GNU_SPARSE, TYPE_PAX_GLOBAL } from './tar-format.ts';

const TYPE_NOTES: Readonly<Record<number, string>> = {
  [TYPE_PAX_GLOBAL]: ' (a global PAX header)',
  [TYPE_GNU_SPARSE]: ' (a sparse file in old GNU format)',
};

/**
 * An error about a header, or data belonging to it, that breaks tar's rules.
 * `fault` reads on after "the tar header at byte N".
 */
export function invalidHeader(offset: number, fault: string): ZtocError {
  const advice = 'the layer is damaged or is no tar archive; build or pull it again';
  return new ZtocError('TAR_INVALID', `The tar header at byte ${offset} ${fault}: ${advice}.`, { offset });
}

/** An error about a size below zero where there is a body. */
export function negativeSize(offset: number): ZtocError {
  return invalidHeader(offset, 'has a negative size');
}

/** An error about a stream that ends inside something. `where` reads on after "the tar stream ends at byte N". */
export function truncatedTar(end: number, where: string, offset: number): ZtocError {
  const place = `at byte ${end}, ${where} (header at byte ${offset})`;
  const message = `The tar stream ends ${place}: the layer is cut short; pull it again.`;
  return new ZtocError('TAR_TRUNCATED', message, { offset });
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
  const type = `${name}${TYPE_NOTES[typeFlag] ?? ''}`;
  const advice = 'which a zTOC cannot hold: build the layer without it';
  const message = `The tar header at byte ${offset} has the type ${type}, ${advice}.`;
  return new ZtocError('TAR_ENTRY_UNSUPPORTED', message, { offset });
}
