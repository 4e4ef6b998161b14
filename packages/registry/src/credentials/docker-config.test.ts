import { describe, expect, it } from 'vitest';
import { RegistryError } from '../errors.ts';
import { findAuth, parseDockerConfig } from './docker-config.ts';

const FILE = '.docker/config.json';
const basic = (text: string) => Buffer.from(text).toString('base64');
const configOf = (config: unknown) => parseDockerConfig(JSON.stringify(config), FILE);
const find = (auths: unknown, host: string, repository?: string) => findAuth(configOf({ auths }), host, repository);

describe('findAuth', () => {
  it('decodes USERNAME:PASSWORD with colons in the password', () => {
    expect(find({ 'registry.example:5000': { auth: basic('joe:pa:ss') } }, 'registry.example:5000')).toEqual({
      kind: 'password',
      username: 'joe',
      password: 'pa:ss',
    });
  });

  it.each([
    ['username and password', { username: 'joe', password: 'p' }, { kind: 'password', username: 'joe', password: 'p' }],
    [
      'a password padded with NUL characters',
      { auth: basic('joe:p\0\0') },
      { kind: 'password', username: 'joe', password: 'p' },
    ],
    ['identitytoken', { auth: basic('00000000:'), identitytoken: 'i' }, { kind: 'identity-token', token: 'i' }],
    ['registrytoken', { registrytoken: 'r' }, { kind: 'registry-token', token: 'r' }],
    ['an empty entry, as docker writes it for its store', {}, undefined],
    ['a null entry', null, undefined],
    ['unknown keys', { email: null, unknown: [1] }, undefined],
  ])('parses %s', (_what, entry, expected) => {
    expect(find({ 'registry.example': entry }, 'registry.example')).toEqual(expected);
  });

  it.each(['docker.io', 'index.docker.io', 'registry-1.docker.io'])('finds Docker Hub under %s', (host) => {
    for (const key of ['https://index.docker.io/v1/', 'docker.io', 'index.docker.io']) {
      expect(find({ [key]: { auth: basic('joe:hub') } }, host)).toMatchObject({ password: 'hub' });
    }
  });

  it('uses the longest matching namespace, as podman does', () => {
    const auths = {
      'registry.example': { auth: basic('joe:all') },
      'registry.example/team': { auth: basic('joe:team') },
      'registry.example/team/app': { auth: basic('joe:app') },
    };
    expect(find(auths, 'registry.example', 'team/app')).toMatchObject({ password: 'app' });
    expect(find(auths, 'registry.example', 'team/app/part')).toMatchObject({ password: 'app' });
    expect(find(auths, 'registry.example', 'team/apple')).toMatchObject({ password: 'team' });
    expect(find(auths, 'registry.example', 'teamwork')).toMatchObject({ password: 'all' });
    expect(find(auths, 'registry.example')).toMatchObject({ password: 'all' });
  });

  it('accepts keys with a scheme and a path for the whole registry', () => {
    expect(find({ 'https://Registry.Example/v2/': { auth: basic('a:b') } }, 'registry.example', 'x')).toBeDefined();
    expect(find({ 'http://registry.example': { auth: basic('a:b') } }, 'registry.example', 'x')).toBeDefined();
  });

  it.each([
    ['another host', 'registry.example.org'],
    ['the same host at another port', 'registry.example:5000'],
    ['a host with a common prefix', 'registry.exampl'],
    ['a property name of objects', '__proto__'],
  ])('returns nothing for %s', (_what, host) => {
    expect(find({ 'registry.example': { auth: basic('a:b') } }, host)).toBeUndefined();
  });

  it.each([
    ['not the Base64 encoding of USERNAME:PASSWORD', { auth: basic('s3cret') }],
    ['not an object', 's3cret'],
  ])('reports the file and the key of an entry that is %s, without its content', (_what, entry) => {
    const config = configOf({ auths: { 'registry.example': entry, 'other.example': { auth: basic('a:b') } } });
    expect(() => findAuth(config, 'registry.example', undefined)).toThrowError(
      expect.toSatisfy((error: unknown) => {
        if (!(error instanceof RegistryError) || error.code !== 'CREDENTIALS_INVALID') return false;
        return (
          error.message.includes(FILE) && error.message.includes('registry.example') && !/s3cret/.test(error.message)
        );
      }),
    );
    expect(findAuth(config, 'other.example', undefined)).toBeDefined();
  });
});

describe('parseDockerConfig', () => {
  it.each([
    '{"auths": {"registry.example": {"auth": "s3cret',
    '["s3cret"]',
    '"s3cret"',
    '{"auths": "s3cret"}',
    '{"credHelpers": ["s3cret"]}',
  ])('rejects %j without quoting it', (text) => {
    expect(() => parseDockerConfig(text, FILE)).toThrowError(
      expect.toSatisfy((error: unknown) => {
        if (!(error instanceof RegistryError) || error.code !== 'CREDENTIALS_INVALID') return false;
        return error.message.includes(FILE) && !/s3cret/.test(error.message) && error.cause === undefined;
      }),
    );
  });

  it.each([
    '',
    ' \n',
    'null',
    '{}',
    '{"auths":null,"credHelpers":null,"credsStore":null,"credSstore":"x","proxies":1}',
  ])('finds nothing in %j', (text) => {
    expect(parseDockerConfig(text, FILE)).toEqual({ file: FILE, helpers: new Map(), store: undefined, auths: [] });
  });

  it('accepts a byte order mark', () => {
    expect(parseDockerConfig('\uFEFF{"credsStore":"desktop"}', FILE).store).toBe('desktop');
  });

  it('finds helpers by all names of a registry', () => {
    const { helpers, store } = configOf({
      credHelpers: { 'https://index.docker.io/v1/': 'hub', 'Registry.Example': 'r', 'none.example': '' },
      credsStore: 'desktop',
    });
    expect(Object.fromEntries(helpers)).toEqual({ 'docker.io': 'hub', 'registry.example': 'r' });
    expect(store).toBe('desktop');
    expect(configOf({})).toMatchObject({ store: undefined, auths: [] });
  });
});
