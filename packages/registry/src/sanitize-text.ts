import { escapeText } from '@soci/oci';

/** Maximum length of text that is processed, in characters. */
const MAX_TEXT_LENGTH = 2 ** 16;

/** Minimum length of a secret, in characters. Shorter values occur in harmless text. */
const MIN_SECRET_LENGTH = 8;

/**
 * Query parameters written by clients, which contain names and digests. All others come from a server, such as
 * `_state`.
 */
const PUBLIC_PARAMETERS = new Set(['artifactType', 'digest', 'from', 'last', 'mount', 'n']);

/** A query string, plain or percent-encoded. The lengths are bounded to bound the matching time. */
const QUERY = /(?:\?|%3f)[^\s"'<>?]{0,200}?(?:=|%3d)[^\s"'<>]*/gi;

/** Parameters that sign requests or continue uploads, outside a URL. */
const SIGNED_PARAMETER =
  /\b(_state|(?:x-[a-z]+-)?(?:credential|security-token|signature)|sig|(?:access_|refresh_)?token)=[^\s&"'<>]+/gi;

/** White space, including line breaks. */
const WHITE_SPACE = /\s+/g;

const utf8 = new TextDecoder();

/** Secrets of a request that a server may send back. */
export interface RequestSecrets {
  /** The `Authorization` of the request. */
  readonly authorization?: string | undefined;
  /** URL of the request. Its query may be a signature or the state of an upload. */
  readonly url?: URL | undefined;
}

/**
 * Makes text of a server quotable: removes signatures and credentials, replaces white space with one space, escapes unprintable
 * characters, and truncates the text.
 */
export function sanitizeText(text: string, maxLength: number, sent: RequestSecrets = {}): string {
  let sanitized = text.slice(0, MAX_TEXT_LENGTH);
  for (const secret of listSecrets(sent)) sanitized = sanitized.replaceAll(secret, '…');
  sanitized = sanitized.replace(QUERY, '?…').replace(SIGNED_PARAMETER, '$1=…');
  sanitized = escapeText(sanitized.replace(WHITE_SPACE, ' ').trim());
  return sanitized.length > maxLength ? `${sanitized.slice(0, maxLength)}…` : sanitized;
}

/** Returns the secrets of a request, longest first, because one may be part of another. */
function listSecrets({ authorization, url }: RequestSecrets): readonly string[] {
  return [...secretsOfAuthorization(authorization), ...secretsOfQuery(url)].sort((a, b) => b.length - a.length);
}

/** Returns the whole header, its credentials, and the password in them. */
function secretsOfAuthorization(authorization: string | undefined): readonly string[] {
  if (authorization === undefined) return [];
  const [scheme, credentials = ''] = authorization.split(/ +/, 2);
  const password =
    scheme?.toLowerCase() === 'basic' ? utf8.decode(Buffer.from(credentials, 'base64')).replace(/^[^:]*:/, '') : '';
  return [authorization, credentials, password].filter((secret) => secret !== '');
}

/** Returns the values of a query, encoded and decoded. */
function secretsOfQuery(url: URL | undefined): readonly string[] {
  const pairs = url === undefined || url.search === '' ? [] : url.search.slice(1).split('&');
  return pairs.flatMap((pair) => {
    const [[name = '', value = ''] = []] = [...new URLSearchParams(pair)];
    if (PUBLIC_PARAMETERS.has(name)) return [];
    return [pair.slice(pair.indexOf('=') + 1), value].filter(({ length }) => length >= MIN_SECRET_LENGTH);
  });
}
