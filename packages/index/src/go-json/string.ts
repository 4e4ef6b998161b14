const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

// A valid multi-byte sequence, or a single invalid byte, in a latin1 string.
const UTF8_SEQUENCE =
  /[\xc2-\xdf][\x80-\xbf]|\xe0[\xa0-\xbf][\x80-\xbf]|[\xe1-\xec\xee\xef][\x80-\xbf]{2}|\xed[\x80-\x9f][\x80-\xbf]|\xf0[\x90-\xbf][\x80-\xbf]{2}|[\xf1-\xf3][\x80-\xbf]{3}|\xf4[\x80-\x8f][\x80-\xbf]{2}|[\x80-\xff]/g;

/** Decodes UTF-8 like Go: each invalid byte becomes one U+FFFD. TextDecoder may replace several bytes with one. */
export function decodeUtf8(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch {
    const latin1 = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
    return latin1.replaceAll(UTF8_SEQUENCE, (sequence) => Buffer.from(sequence, 'latin1').toString());
  }
}

/** Quotes a string like Go's `json.Marshal`: escapes `<`, `>`, `&`, U+2028 and U+2029 (encode.go, `appendString`). */
export function quoteJsonString(value: string): string {
  return JSON.stringify(value.toWellFormed()).replaceAll(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** Compares strings by their UTF-8 bytes, like Go sorts map keys. */
export function compareStrings(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** Decodes like Go's `base64.StdEncoding`: requires padding, skips line breaks, ignores unused bits. Undefined if invalid. */
export function decodeBase64(text: string): Uint8Array | undefined {
  const digits = text.replaceAll(/[\r\n]/g, '');
  return BASE64.test(digits) ? Buffer.from(digits, 'base64') : undefined;
}

/** Encodes with the standard alphabet and padding. */
export function encodeBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}
