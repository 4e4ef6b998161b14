import { createHash, generateKeyPairSync, randomBytes, sign } from 'node:crypto';

const HOUR = 3_600_000;
const YEAR = 365 * 24 * HOUR;
const ECDSA_WITH_SHA256 = sequence(objectId('1.2.840.10045.4.3.2'));

/**
 * Generates a certificate authority and a certificate for loopback, in PEM (RFC 5280, section 4). They are generated
 * each time, so that the package contains no private key that could be trusted by mistake, and nothing expires.
 */
export function makeServerIdentity() {
  const authority = makeKeys();
  const server = makeKeys();
  const issuer = name('test registry authority');
  const ca = certificate(authority, authority, issuer, issuer, [
    extension('2.5.29.19', true, sequence(der(0x01, Buffer.from([0xff])))), // basicConstraints: cA
    extension('2.5.29.15', true, der(0x03, Buffer.from([1, 0b0000_0110]))), // keyUsage: keyCertSign, cRLSign
    extension('2.5.29.14', false, der(0x04, authority.id)), // subjectKeyIdentifier
  ]);
  const cert = certificate(server, authority, name('localhost'), issuer, [
    extension('2.5.29.19', true, sequence()),
    extension('2.5.29.15', true, der(0x03, Buffer.from([7, 0b1000_0000]))), // digitalSignature
    extension('2.5.29.37', false, sequence(objectId('1.3.6.1.5.5.7.3.1'), objectId('1.3.6.1.5.5.7.3.2'))), // extKeyUsage: serverAuth, clientAuth
    extension('2.5.29.35', false, sequence(der(0x80, authority.id))), // authorityKeyIdentifier
    extension('2.5.29.17', false, loopbackNames()), // subjectAltName
  ]);
  return { key: server.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), cert, ca };
}

type Keys = ReturnType<typeof makeKeys>;

/** Generates a key pair with its SubjectPublicKeyInfo and key identifier. */
function makeKeys() {
  const pair = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const publicKey = pair.publicKey.export({ type: 'spki', format: 'der' });
  return { privateKey: pair.privateKey, publicKey, id: createHash('sha1').update(publicKey).digest() };
}

function certificate(
  subject: Keys,
  issuer: Keys,
  subjectName: Buffer,
  issuerName: Buffer,
  extensions: readonly Buffer[],
): string {
  const body = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))), // version 3
    der(0x02, Buffer.from([1]), randomBytes(15)), // the first byte makes it positive
    ECDSA_WITH_SHA256,
    issuerName,
    sequence(time(new Date(Date.now() - HOUR)), time(new Date(Date.now() + YEAR))),
    subjectName,
    subject.publicKey,
    der(0xa3, sequence(...extensions)),
  );
  const signed = sequence(
    body,
    ECDSA_WITH_SHA256,
    der(0x03, Buffer.from([0]), sign('sha256', body, issuer.privateKey)),
  );
  const lines = signed.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}

function name(commonName: string): Buffer {
  return sequence(der(0x31, sequence(objectId('2.5.4.3'), der(0x0c, Buffer.from(commonName)))));
}

function extension(id: string, isCritical: boolean, value: Buffer): Buffer {
  const critical = isCritical ? [der(0x01, Buffer.from([0xff]))] : [];
  return sequence(objectId(id), ...critical, der(0x04, value));
}

function loopbackNames(): Buffer {
  return sequence(
    der(0x82, Buffer.from('localhost')),
    der(0x87, Buffer.from([127, 0, 0, 1])),
    der(0x87, Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1])),
  );
}

// The ASN.1 types of a certificate, in DER. @see ITU-T X.690

/** Encodes a value with its tag and length. */
function der(tag: number, ...contents: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(contents);
  return Buffer.concat([Buffer.from([tag]), lengthOf(content.length), content]);
}

function sequence(...items: readonly Uint8Array[]): Buffer {
  return der(0x30, ...items);
}

/** Encodes an object identifier in dotted form. */
function objectId(dotted: string): Buffer {
  const [first = 0, second = 0, ...others] = dotted.split('.').map(Number);
  return der(0x06, Buffer.from([40 * first + second, ...others.flatMap(base128)]));
}

/** Encodes a time, with a two-digit year up to 2049 and a four-digit year afterwards. @see RFC 5280, section 4.1.2.5 */
export function time(date: Date): Buffer {
  const digits = `${date.toISOString().slice(0, 19).replace(/[-:T]/g, '')}Z`;
  return date.getUTCFullYear() < 2050 ? der(0x17, Buffer.from(digits.slice(2))) : der(0x18, Buffer.from(digits));
}

function lengthOf(length: number): Buffer {
  if (length < 0x80) return Buffer.from([length]);
  const hex = length.toString(16);
  const bytes = Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex');
  return Buffer.concat([Buffer.from([0x80 | bytes.length]), bytes]);
}

function base128(value: number): number[] {
  const digits = [value & 0x7f];
  for (let rest = value >>> 7; rest > 0; rest >>>= 7) digits.unshift(0x80 | (rest & 0x7f));
  return digits;
}
