import { readFileSync } from 'node:fs';
import { goldenLayoutPath, jsonBytes } from '@soci/test-content';
import { expect, test } from 'vitest';
import { parseImageConfig } from './image-config.ts';

test('reads platform and layers of a real configuration', () => {
  const digest = '3fc252e7bb34e34d6e25a34c0566fde2bc93f26edde27019d3663f077eb5c4fa';
  const raw = readFileSync(`${goldenLayoutPath('gzip-called-tar')}/blobs/sha256/${digest}`);
  expect(parseImageConfig(raw)).toEqual({
    raw,
    platform: { architecture: 'amd64', os: 'linux' },
    diffIds: ['sha256:0709e246a1d17a85a78b111aa669a9c99a75bc477e68d1cde4aca38460a2b1c1'],
  });
});

test('reads all platform fields and the creation time', () => {
  const platform = {
    architecture: 'arm',
    os: 'windows',
    variant: 'v7',
    'os.version': '10.0.1',
    'os.features': ['win32k'],
  };
  const parsed = parseImageConfig(jsonBytes({ ...platform, created: '2026-01-02T03:04:05Z' }));
  expect(parsed).toMatchObject({ platform, diffIds: [], created: '2026-01-02T03:04:05Z' });
});

test.each([
  [{ architecture: 'arm' }, 'image configuration.os must be a string, found nothing'],
  [{ architecture: 1, os: 'linux' }, 'image configuration.architecture must be a string, found 1'],
  [{ architecture: 'arm', os: 'linux', rootfs: 'x' }, 'image configuration.rootfs must be an object'],
  [{ architecture: 'arm', os: 'linux', rootfs: { diff_ids: ['x'] } }, 'rootfs.diff_ids[0] is not a digest: "x"'],
])('rejects %j', (config, words) => {
  expect(() => parseImageConfig(jsonBytes(config))).toThrow(
    expect.objectContaining({ code: 'MANIFEST_INVALID', message: expect.stringContaining(words) }),
  );
});
