/** How a number stands in a field of a tar header. */
export type NumberStyle = 'octal' | 'spaces' | 'bare' | 'base256';

/**
 * A number as a tar field of `width` bytes, one latin1 character a byte. Octal digits end in NUL as in POSIX; 'spaces'
 * pads them as old writers do; 'bare' fills the field to its end. What does not fit is written in base 256, as GNU does.
 */
export function formatTarNumber(value: number, width: number, style: NumberStyle = 'octal'): string {
  const digits = value < 0 ? '' : Math.trunc(value).toString(8);
  const room = style === 'bare' ? width : width - 1;
  if (style === 'base256' || value < 0 || digits.length > room) return base256(value, width);
  switch (style) {
    case 'octal':
      return `${digits.padStart(room, '0')}\0`;
    case 'spaces':
      return `${digits.padStart(room, ' ')} `;
    case 'bare':
      return digits.padStart(width, '0');
  }
}

function base256(value: number, width: number): string {
  let rest = BigInt(Math.trunc(value));
  const bytes: number[] = [];
  for (let i = 0; i < width; i++) {
    bytes.unshift(Number(rest & 0xffn));
    rest >>= 8n;
  }
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x80 | (value < 0 ? 0x40 : 0);
  return String.fromCharCode(...bytes);
}
