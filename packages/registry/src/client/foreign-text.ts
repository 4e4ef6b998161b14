/** Characters of a server's text that are looked at. */
const MAX_TEXT_LENGTH = 2 ** 16;

/** Characters that a value must have to prove something: shorter ones stand in many a harmless text. */
const MIN_SECRET_LENGTH = 8;

/** What clients themselves write into queries: names and digests. The rest of a query is a server's, such as `_state`. */
const PUBLIC_PARAMETERS = new Set(['artifactType', 'digest', 'from', 'last', 'mount', 'n']);

/** A query, be it of a path or encoded as part of another; its names have an end, so that looking for it has one. */
const QUERY = /(?:\?|%3f)[^\s"'<>?]{0,200}?(?:=|%3d)[^\s"'<>]*/gi;

/** What signs requests and continues uploads, where it stands without the URL that it is of. */
const SIGNED_PARAMETER =
  /\b(_state|(?:x-[a-z]+-)?(?:credential|security-token|signature)|sig|(?:access_|refresh_)?token)=[^\s&"'<>]+/gi;

/** Characters that move a terminal's cursor, end a line, or turn it around. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu;

const utf8 = new TextDecoder();

/** What was sent to a server that must not come back in its words. */
export interface SentSecrets {
  /** The `Authorization` of the request. */
  readonly authorization?: string | undefined;
  /** Where it went: its query may sign it, or be the state of an upload. */
  readonly url?: URL | undefined;
}

/** Takes out of a server's text what could move a terminal's cursor, sign a request, or prove who asks; and cuts it. */
export function cleanText(text: string, maxLength: number, sent: SentSecrets = {}): string {
  let cleaned = text.slice(0, MAX_TEXT_LENGTH);
  for (const secret of listSecrets(sent)) cleaned = cleaned.replaceAll(secret, '…');
  cleaned = cleaned.replace(QUERY, '?…').replace(SIGNED_PARAMETER, '$1=…').replace(UNPRINTABLE, ' ').trim();
  return cleaned.length > maxLength ? `${cleaned.slice(0, maxLength)}…` : cleaned;
}

/** The longest first: one may be part of another. */
function listSecrets({ authorization, url }: SentSecrets): readonly string[] {
  return [...secretsOfAuthorization(authorization), ...secretsOfQuery(url)].sort((a, b) => b.length - a.length);
}

/** All of it, its credentials, and the password in those. */
function secretsOfAuthorization(authorization: string | undefined): readonly string[] {
  if (authorization === undefined) return [];
  const [scheme, credentials = ''] = authorization.split(/ +/, 2);
  const password =
    scheme?.toLowerCase() === 'basic' ? utf8.decode(Buffer.from(credentials, 'base64')).replace(/^[^:]*:/, '') : '';
  return [authorization, credentials, password].filter((secret) => secret !== '');
}

/** The values of a query, as they were sent and as they read. */
function secretsOfQuery(url: URL | undefined): readonly string[] {
  const pairs = url === undefined || url.search === '' ? [] : url.search.slice(1).split('&');
  return pairs.flatMap((pair) => {
    const [[name = '', value = ''] = []] = [...new URLSearchParams(pair)];
    if (PUBLIC_PARAMETERS.has(name)) return [];
    return [pair.slice(pair.indexOf('=') + 1), value].filter(({ length }) => length >= MIN_SECRET_LENGTH);
  });
}
