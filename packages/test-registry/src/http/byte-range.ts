import { Refusal } from './refusal.ts';

/** Part of a blob that a request asks for. */
interface RequestedRange {
  readonly offset: number;
  readonly length: number;
}

/**
 * Reads a `Range` of one part; undefined where the whole is to be sent: no range, several, or none that can be read.
 *
 * @throws Refusal 416 where it lies past the end.
 * @see RFC 9110, section 14.2
 */
export function readRange(header: string | undefined, size: number): RequestedRange | undefined {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header ?? '');
  const [, first = '', last = ''] = match ?? [];
  if (match === null || (first === '' && last === '')) return undefined;
  const offset = first === '' ? Math.max(0, size - Number(last)) : Number(first);
  const end = first === '' || last === '' ? size : Math.min(size, Number(last) + 1);
  if (first !== '' && last !== '' && Number(last) < Number(first)) return undefined;
  if (offset >= size || end <= offset) {
    throw new Refusal(416, 'SIZE_INVALID', `${header} lies past the end of ${size} bytes`, {
      'content-range': `bytes */${size}`,
    });
  }
  return { offset, length: end - offset };
}
