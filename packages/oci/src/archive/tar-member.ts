import { formatPaxRecord } from './pax-records.ts';
import { BLOCK_SIZE, checksums, paddedSize } from './tar-header.ts';

/** Longest name that the ustar header's own field holds. */
const MAX_USTAR_NAME = 100;

/** Largest size that eleven octal digits hold: 8 GiB - 1. */
const MAX_USTAR_SIZE = 0o77777777777;

/**
 * The header of a file in a deterministic archive: mode 0644, owner 0, time 0; a PAX header before it only where its
 * name or its size is too long for ustar.
 */
export function formatMemberHeader(name: string, size: number): Uint8Array {
  const records: string[] = [];
  if (name.length > MAX_USTAR_NAME) records.push(formatPaxRecord('path', name));
  if (size > MAX_USTAR_SIZE) records.push(formatPaxRecord('size', String(size)));
  const header = formatBlock(name.slice(0, MAX_USTAR_NAME), Math.min(size, MAX_USTAR_SIZE), '0');
  if (records.length === 0) return header;

  const body = Buffer.from(records.join(''), 'latin1');
  const whole = new Uint8Array(BLOCK_SIZE + paddedSize(body.length) + BLOCK_SIZE);
  whole.set(formatBlock('PaxHeaders/member', body.length, 'x'), 0);
  whole.set(body, BLOCK_SIZE);
  whole.set(header, whole.length - BLOCK_SIZE);
  return whole;
}

function formatBlock(name: string, size: number, type: string): Uint8Array {
  const block = Buffer.alloc(BLOCK_SIZE);
  const octal = (value: number, digits: number) => `${value.toString(8).padStart(digits, '0')}\0`;
  block.write(name, 0, 'latin1');
  block.write(octal(0o644, 7), 100, 'latin1');
  block.write(octal(0, 7), 108, 'latin1');
  block.write(octal(0, 7), 116, 'latin1');
  block.write(octal(size, 11), 124, 'latin1');
  block.write(octal(0, 11), 136, 'latin1');
  block.write(type, 156, 'latin1');
  block.write('ustar\x0000', 257, 'latin1');
  block.write(octal(0, 7), 329, 'latin1');
  block.write(octal(0, 7), 337, 'latin1');
  block.write(`${octal(checksums(block).unsigned, 6)} `, 148, 'latin1');
  return block;
}
