import { expect, test } from 'vitest';
import type { RegistryOptions } from './options.ts';
import { openRegistry } from './registry.ts';

test.each<[string, RegistryOptions]>([
  ['stallTimeout', { stallTimeout: 0 }],
  ['maxConnections', { maxConnections: 1.5 }],
  ['maxReadAhead', { maxReadAhead: -1 }],
  ['retry.maxAttempts', { retry: { maxAttempts: 0 } }],
  ['retry.baseDelay', { retry: { baseDelay: Number.NaN } }],
  ['retry.maxDelay', { retry: { maxDelay: Number.POSITIVE_INFINITY } }],
  ['maxManifestSize', { limits: { maxManifestSize: 0 } }],
])('rejects %s out of range', (name, options) => {
  const error = {
    name: 'RegistryError',
    code: 'OPTION_INVALID',
    message: expect.stringMatching(new RegExp(`${name} is .*: expected an integer from`)),
  };
  expect(() => openRegistry('registry.example', options)).toThrow(expect.objectContaining(error));
});

test('accepts a single attempt, no read-ahead and no delay', () => {
  expect(() =>
    openRegistry('registry.example', { maxReadAhead: 0, retry: { maxAttempts: 1, baseDelay: 0 } }),
  ).not.toThrow();
});
