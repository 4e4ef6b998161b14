import { describe, expect, test } from 'vitest';
import { formatReference, isTag, parseReference } from './reference.ts';

const SHA256 = `sha256:${'f'.repeat(64)}`;
const SHA512 = `sha512:${'f'.repeat(128)}`;

interface Case {
  readonly input: string;
  readonly name: string;
  readonly domain?: string;
  readonly tag?: string;
  readonly digest?: string;
}

// From github.com/distribution/reference v0.6.0, reference_test.go, TestReferenceParse: all valid cases.
const VALID: readonly Case[] = [
  { input: 'test_com', name: 'test_com' },
  { input: 'test.com:tag', name: 'test.com', tag: 'tag' },
  { input: 'test.com:5000', name: 'test.com', tag: '5000' },
  { input: 'test.com/repo:tag', name: 'test.com/repo', domain: 'test.com', tag: 'tag' },
  { input: 'test:5000/repo', name: 'test:5000/repo', domain: 'test:5000' },
  { input: 'test:5000/repo:tag', name: 'test:5000/repo', domain: 'test:5000', tag: 'tag' },
  { input: `test:5000/repo@${SHA256}`, name: 'test:5000/repo', domain: 'test:5000', digest: SHA256 },
  { input: `test:5000/repo:tag@${SHA256}`, name: 'test:5000/repo', domain: 'test:5000', tag: 'tag', digest: SHA256 },
  { input: 'test:5000/repo', name: 'test:5000/repo', domain: 'test:5000' },
  { input: 'lowercase:Uppercase', name: 'lowercase', tag: 'Uppercase' },
  {
    input: `${'a/'.repeat(127)}a:tag-puts-this-over-max`,
    name: `${'a/'.repeat(127)}a`,
    domain: 'a',
    tag: 'tag-puts-this-over-max',
  },
  { input: 'sub-dom1.foo.com/bar/baz/quux', name: 'sub-dom1.foo.com/bar/baz/quux', domain: 'sub-dom1.foo.com' },
  {
    input: 'sub-dom1.foo.com/bar/baz/quux:some-long-tag',
    name: 'sub-dom1.foo.com/bar/baz/quux',
    domain: 'sub-dom1.foo.com',
    tag: 'some-long-tag',
  },
  {
    input: 'b.gcr.io/test.example.com/my-app:test.example.com',
    name: 'b.gcr.io/test.example.com/my-app',
    domain: 'b.gcr.io',
    tag: 'test.example.com',
  },
  { input: 'xn--n3h.com/myimage:xn--n3h.com', name: 'xn--n3h.com/myimage', domain: 'xn--n3h.com', tag: 'xn--n3h.com' },
  {
    input: `xn--7o8h.com/myimage:xn--7o8h.com@${SHA512}`,
    name: 'xn--7o8h.com/myimage',
    domain: 'xn--7o8h.com',
    tag: 'xn--7o8h.com',
    digest: SHA512,
  },
  { input: 'foo_bar.com:8080', name: 'foo_bar.com', tag: '8080' },
  { input: 'foo/foo_bar.com:8080', name: 'foo/foo_bar.com', domain: 'foo', tag: '8080' },
  { input: '192.168.1.1', name: '192.168.1.1' },
  { input: '192.168.1.1:tag', name: '192.168.1.1', tag: 'tag' },
  { input: '192.168.1.1:5000', name: '192.168.1.1', tag: '5000' },
  { input: '192.168.1.1/repo', name: '192.168.1.1/repo', domain: '192.168.1.1' },
  { input: '192.168.1.1:5000/repo', name: '192.168.1.1:5000/repo', domain: '192.168.1.1:5000' },
  { input: '192.168.1.1:5000/repo:5050', name: '192.168.1.1:5000/repo', domain: '192.168.1.1:5000', tag: '5050' },
  { input: '[2001:db8::1]/repo', name: '[2001:db8::1]/repo', domain: '[2001:db8::1]' },
  {
    input: '[2001:db8:1:2:3:4:5:6]/repo:tag',
    name: '[2001:db8:1:2:3:4:5:6]/repo',
    domain: '[2001:db8:1:2:3:4:5:6]',
    tag: 'tag',
  },
  { input: '[2001:db8::1]:5000/repo', name: '[2001:db8::1]:5000/repo', domain: '[2001:db8::1]:5000' },
  { input: '[2001:db8::1]:5000/repo:tag', name: '[2001:db8::1]:5000/repo', domain: '[2001:db8::1]:5000', tag: 'tag' },
  {
    input: `[2001:db8::1]:5000/repo@${SHA256}`,
    name: '[2001:db8::1]:5000/repo',
    domain: '[2001:db8::1]:5000',
    digest: SHA256,
  },
  {
    input: `[2001:db8::1]:5000/repo:tag@${SHA256}`,
    name: '[2001:db8::1]:5000/repo',
    domain: '[2001:db8::1]:5000',
    tag: 'tag',
    digest: SHA256,
  },
  { input: '[2001:db8::]:5000/repo', name: '[2001:db8::]:5000/repo', domain: '[2001:db8::]:5000' },
  { input: '[::1]:5000/repo', name: '[::1]:5000/repo', domain: '[::1]:5000' },
  {
    input: `example.com/${'a'.repeat(255)}:tag`,
    name: `example.com/${'a'.repeat(255)}`,
    domain: 'example.com',
    tag: 'tag',
  },
];

// From the same test: all invalid cases, with the expected error.
const INVALID: readonly (readonly [string, string])[] = [
  ['', 'ErrNameEmpty'],
  [':justtag', 'ErrReferenceInvalidFormat'],
  [`@${SHA256}`, 'ErrReferenceInvalidFormat'],
  ['repo@sha256:ffffffffffffffffffffffffffffffffff', 'digest.ErrDigestInvalidLength'],
  [
    'validname@invaliddigest:ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff',
    'digest.ErrDigestUnsupported',
  ],
  ['Uppercase:tag', 'ErrNameContainsUppercase'],
  ['test:5000/Uppercase/lowercase:tag', 'ErrNameContainsUppercase'],
  [`domain/${'a'.repeat(256)}:tag`, 'ErrNameTooLong'],
  ['aa/asdf$$^/aa', 'ErrReferenceInvalidFormat'],
  ['[2001:db8::1]', 'ErrReferenceInvalidFormat'],
  ['[2001:db8::1]:5000', 'ErrReferenceInvalidFormat'],
  ['[2001:db8::1]:tag', 'ErrReferenceInvalidFormat'],
  ['[fe80::1%eth0]:5000/repo', 'ErrReferenceInvalidFormat'],
  ['[fe80::1%@invalidzone]:5000/repo', 'ErrReferenceInvalidFormat'],
];

describe.each(VALID)('$input', ({ input, name, domain, tag, digest }) => {
  const path = domain === undefined ? name : name.slice(domain.length + 1);
  const expected = { ...(domain && { domain }), path, ...(tag && { tag }), ...(digest && { digest }) };

  test('is parsed', () => expect(parseReference(input)).toEqual(expected));
  test('is formatted as it was', () => expect(formatReference(parseReference(input))).toBe(input));
});

test.each(INVALID)('rejects %s, like %s in distribution', (input) => {
  expect(() => parseReference(input)).toThrow(expect.objectContaining({ code: 'REFERENCE_INVALID' }));
});

test.each([
  ['name:', 'is not a tag'],
  ['name@', 'is not a sha256 or sha512 digest'],
  ['name:-tag', 'is not a tag'],
  [`name:${'t'.repeat(129)}`, 'is not a tag'],
  [`name@${SHA256.toUpperCase()}`, 'is not a sha256 or sha512 digest'],
  [`name@${SHA256}:tag`, 'is not a sha256 or sha512 digest'],
  ['name//other', 'is not a repository name'],
  ['ghcr.io/team/app:feature/x', 'is not a repository name: a tag cannot contain /'],
  ['a/../b', 'is not a repository name'],
  ['name\n', 'is not a repository name'],
  [`domain/${'a'.repeat(256)}`, '256 characters, more than the limit of 255'],
  ['Ubuntu', 'must be in lower case'],
  ['localhost:5000/Ubuntu', 'must be in lower case'],
  ['/ubuntu', '"/ubuntu" is not a repository name'],
  ['a'.repeat(1025), 'more than the limit of 1024'],
])('rejects %j: the message contains %j', (input, words) => {
  expect(() => parseReference(input)).toThrow(words);
});

test('isTag checks a tag', () => {
  expect(['latest', '_x', 'v1.0-rc.1', 'T'.repeat(128)].every(isTag)).toBe(true);
  expect(['', '.x', '-x', 'a b', 'a/b', 'T'.repeat(129)].some(isTag)).toBe(false);
});
