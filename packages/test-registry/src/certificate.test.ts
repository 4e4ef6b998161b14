import { X509Certificate } from 'node:crypto';
import { expect, test } from 'vitest';
import { makeServerIdentity, time } from './certificate.ts';

test('generates a certificate for loopback that is signed by its authority', () => {
  const { cert, ca, key } = makeServerIdentity();
  const leaf = new X509Certificate(cert);
  const root = new X509Certificate(ca);
  expect(leaf.verify(root.publicKey)).toBe(true);
  expect(leaf.checkIssued(root)).toBe(true);
  expect([root.ca, leaf.ca]).toEqual([true, false]);
  expect(leaf.checkHost('localhost')).toBe('localhost');
  expect([leaf.checkIP('127.0.0.1'), leaf.checkIP('::1')]).toEqual(['127.0.0.1', '::1']);
  expect(leaf.checkHost('registry.example')).toBeUndefined();
  expect(Date.parse(leaf.validFrom) < Date.now() && Date.parse(leaf.validTo) > Date.now()).toBe(true);
  expect(key).toContain('BEGIN PRIVATE KEY');
});

test('generates another authority each time', () => {
  expect(makeServerIdentity().ca).not.toBe(makeServerIdentity().ca);
});

test('encodes times after 2049 with a four-digit year', () => {
  expect(time(new Date('2049-12-31T23:59:59Z')).subarray(2).toString()).toBe('491231235959Z');
  expect(time(new Date('2050-01-01T00:00:00Z')).subarray(2).toString()).toBe('20500101000000Z');
});
