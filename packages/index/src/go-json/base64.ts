const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/**
 * Decodes what Go's `base64.StdEncoding` takes, or gives undefined: padding is a must, line breaks are passed over, the
 * unused bits of the last character may be anything.
 */
export function decodeBase64(text: string): Uint8Array | undefined {
  const digits = text.replaceAll(/[\r\n]/g, '');
  return BASE64.test(digits) ? Uint8Array.from(atob(digits), (character) => character.charCodeAt(0)) : undefined;
}

/** Encodes as Go does. */
export function encodeBase64(bytes: Uint8Array): string {
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''));
}
