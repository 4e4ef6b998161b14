import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RegistryError } from '../errors.ts';
import { parseChallenges, readTokenRealm } from './challenge.ts';

/** Converts challenges to plain objects for comparison. */
function challengesOf(header: string): readonly (readonly [string, Record<string, string>])[] {
  return parseChallenges(header).map(({ scheme, parameters }) => [scheme, Object.fromEntries(parameters)]);
}

describe('parseChallenges', () => {
  it.each([
    ['Basic realm="Registry"', [['basic', { realm: 'Registry' }]]],
    [
      'Basic realm="https://123456789012.dkr.ecr.us-east-1.amazonaws.com/",service="ecr.amazonaws.com"',
      [['basic', { realm: 'https://123456789012.dkr.ecr.us-east-1.amazonaws.com/', service: 'ecr.amazonaws.com' }]],
    ],
    [
      'Bearer realm="https://auth.example/token",service="registry",scope="repository:team/app:pull,push"',
      [
        [
          'bearer',
          { realm: 'https://auth.example/token', service: 'registry', scope: 'repository:team/app:pull,push' },
        ],
      ],
    ],
    ['bearer REALM=token', [['bearer', { realm: 'token' }]]],
    ['Bearer realm = "a" , service = b', [['bearer', { realm: 'a', service: 'b' }]]],
    ['Bearer realm="say \\"a\\\\b\\""', [['bearer', { realm: 'say "a\\b"' }]]],
    [
      'Negotiate, Basic realm="a, b", Bearer realm="c"',
      [
        ['negotiate', {}],
        ['basic', { realm: 'a, b' }],
        ['bearer', { realm: 'c' }],
      ],
    ],
    [
      'Negotiate YIIabc/+==, Basic realm="x"',
      [
        ['negotiate', {}],
        ['basic', { realm: 'x' }],
      ],
    ],
    [', ,Basic realm=x,, y=z,', [['basic', { realm: 'x', y: 'z' }]]],
    ['Bearer realm="first",realm="second"', [['bearer', { realm: 'first' }]]],
    ['Basic', [['basic', {}]]],
    ['', []],
    [' , ', []],
  ])('parses %j', (header, expected) => {
    expect(challengesOf(header)).toEqual(expected);
  });

  it('keeps everything before a syntax error', () => {
    expect(challengesOf('Basic realm="x", Bearer realm="never ends')).toEqual([
      ['basic', { realm: 'x' }],
      ['bearer', {}],
      ['realm', {}],
    ]);
    expect(challengesOf('Basic realm="x"; "y"')).toEqual([['basic', { realm: 'x' }]]);
  });

  it('limits the length and the number of challenges and parameters', () => {
    expect(parseChallenges(`Basic realm="${'x'.repeat(8192)}"`)[0]?.parameters.size).toBe(0);
    expect(parseChallenges('a,'.repeat(1000))).toHaveLength(16);
    const many = Array.from({ length: 1000 }, (_, i) => `p${i}=1`).join(',');
    expect(parseChallenges(`Bearer ${many}`)[0]?.parameters.size).toBe(32);
  });

  it('parses any quoted string', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 200 }), fc.string({ maxLength: 200 }), (realm, service) => {
        const quote = (text: string) => `"${text.replace(/["\\]/g, '\\$&')}"`;
        expect(challengesOf(`Bearer realm=${quote(realm)}, service=${quote(service)}`)).toEqual([
          ['bearer', { realm, service }],
        ]);
      }),
    );
  });

  it('terminates for any text, within the limits', () => {
    const piece = fc.constantFrom('Bearer', ' ', ',', '=', '"', '\\', 'a', 'realm', 'x=y', '====', '\t', ';');
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 300 }), (pieces) => {
        expect(parseChallenges(pieces.join('')).length).toBeLessThanOrEqual(16);
      }),
    );
  });
});

const read = (realm: string | undefined, registry: string) => {
  const { protocol, host } = new URL(registry);
  return readTokenRealm(realm, { host, scheme: protocol === 'http:' ? 'http' : 'https' });
};

describe('readTokenRealm', () => {
  it.each([
    ['https://auth.example/token?x=1', 'https://registry.example', true, true],
    ['https://registry.example/token', 'https://registry.example', false, true],
    ['https://registry.example:8443/token', 'https://registry.example:5000', false, true],
    ['http://registry.example:5000/token', 'http://registry.example:5000', false, true],
    ['http://registry.example:5001/token', 'http://registry.example:5000', false, false],
    ['http://registry.example/token', 'http://registry.example:5000', false, false],
    ['http://127.0.0.1:5001/token', 'http://localhost:5000', false, false],
    ['https://auth.example/token', 'http://127.0.0.1:5000', true, true],
  ])('accepts the realm %s from %s', (realm, registry, isUntrusted, allowsCredentials) => {
    expect(read(realm, registry)).toEqual({ url: new URL(realm), isUntrusted, allowsCredentials });
  });

  it.each([
    ['http://registry.example/token', 'https://registry.example', 'https://registry.example/token'],
    ['http://registry.example:80/token', 'https://registry.example:5000', 'https://registry.example:5000/token'],
    ['http://registry.example:5000/token', 'https://registry.example:5000', 'https://registry.example:5000/token'],
    ['http://Registry.Example:8080/token', 'https://registry.example', 'https://registry.example:8080/token'],
  ])('requests the realm %s of %s from the same host with https', (realm, registry, expected) => {
    expect(read(realm, registry)).toEqual({ url: new URL(expected), isUntrusted: false, allowsCredentials: true });
  });

  it('names the remedy if a token service on another host uses http', () => {
    expect(() => read('http://auth.example/token', 'https://registry.example')).toThrow(
      'its URL must use https (http://auth.example): set the external URL of the registry, or of its token service, to https',
    );
  });

  it.each([
    [undefined, 'https://registry.example'],
    ['/token', 'https://registry.example'],
    ['token', 'https://registry.example'],
    ['http://auth.example/token', 'https://registry.example'],
    ['http://auth.example/token', 'http://registry.example'],
    ['http://127.0.0.1/token', 'http://registry.example'],
    ['https://127.0.0.1/token', 'https://registry.example'],
    ['https://localhost/token', 'https://registry.example'],
    ['https://[::1]/token', 'https://registry.example'],
    ['https://joe:s3cret@auth.example/token', 'https://registry.example'],
    ['file:///etc/passwd', 'https://registry.example'],
    ['ftp://127.0.0.1/', 'http://127.0.0.1:5000'],
  ])('rejects the realm %s from %s', (realm, registry) => {
    expect(() => read(realm, registry)).toThrowError(
      expect.toSatisfy((error: unknown) => {
        return error instanceof RegistryError && error.code === 'REDIRECT_REFUSED' && !/s3cret/.test(error.message);
      }),
    );
  });
});
