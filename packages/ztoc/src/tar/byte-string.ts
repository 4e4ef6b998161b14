/** Arguments that a call may safely have: engines give up somewhere above 65,536. */
const CHARACTERS_PER_CALL = 8192;

/**
 * Bytes as a string of one character a byte (U+0000 to U+00FF): a key for maps, comparable in byte order, with nothing
 * lost when the bytes are no UTF-8.
 */
export function toByteString(bytes: Uint8Array, start = 0, end = bytes.length): string {
  if (end - start <= CHARACTERS_PER_CALL) return decode(bytes.subarray(start, end));
  let text = '';
  for (let at = start; at < end; at += CHARACTERS_PER_CALL) {
    text += decode(bytes.subarray(at, Math.min(at + CHARACTERS_PER_CALL, end)));
  }
  return text;
}

/** The bytes of a byte string; `target`, if given, is what they are written into. */
export function fromByteString(text: string, target: Uint8Array = new Uint8Array(text.length)): Uint8Array {
  for (let at = 0; at < text.length; at++) target[at] = text.charCodeAt(at);
  return target;
}

function decode(bytes: Uint8Array): string {
  return String.fromCharCode.apply(null, bytes as unknown as number[]);
}
