import { collect } from '@soci/test-content';
import { expect, test } from 'vitest';
import { openScriptedRepository } from './fixtures/scripted-registry.ts';
import { openRegistry } from './registry.ts';

const invalid = { name: 'OciError', code: 'REFERENCE_INVALID' };

test.each([
  '../other',
  'a//b',
  '/a',
  'a/',
  'a?b',
  'a#b',
  'a%2fb',
  'a\\b',
  'a b',
  'A',
  '',
  'a:v1',
  `a@sha256:${'0'.repeat(64)}`,
  'a/../b',
])('rejects the repository name %j before sending a request', (path) => {
  const registry = openRegistry('registry.example', { env: {} });
  expect(() => registry.repository(path)).toThrow(expect.objectContaining(invalid));
});

test.each([
  'https://registry.example',
  'registry.example/team',
  'name@registry.example',
  '',
  'registry example',
  'a?b',
])('rejects the host %j', (host) => {
  expect(() => openRegistry(host)).toThrow(expect.objectContaining({ code: 'OPTION_INVALID' }));
});

test.each(['registry.example', 'registry.example:443', 'localhost:5000', '[::1]:5000', 'Registry.Example'])(
  'accepts the host %j unchanged',
  (host) => {
    expect(openRegistry(host, { env: {} }).repository('team/app')).toMatchObject({ host, path: 'team/app' });
  },
);

test('adds the namespace "library" to names of official images on Docker Hub', () => {
  const hub = openRegistry('docker.io', { env: {} });
  expect(hub.repository('ubuntu').path).toBe('library/ubuntu');
  expect(hub.repository('team/app').path).toBe('team/app');
});

test('rejects a tag of 129 characters before sending a request, with its length and the limit', async () => {
  const { repository, lines } = await openScriptedRepository((_, response) => response.writeHead(404).end());
  const tag = 'a'.repeat(129);
  const target = {
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    digest: `sha256:${'0'.repeat(64)}`,
    size: 2,
  };
  const error = { ...invalid, message: expect.stringMatching(/129 characters.*128/) };
  await expect(repository.resolve(tag)).rejects.toMatchObject(error);
  await expect(repository.tag(target, tag)).rejects.toMatchObject(error);
  await expect(repository.pushManifest(target, new Uint8Array(2), { tag })).rejects.toMatchObject(error);
  await expect(repository.delete(tag)).rejects.toMatchObject(error);
  expect(lines).toEqual([]);
  await expect(repository.resolve('a'.repeat(128))).rejects.toMatchObject({ code: 'NOT_FOUND' });
});

test('rejects an invalid digest before sending a request', async () => {
  const { repository, lines } = await openScriptedRepository((_, response) => response.writeHead(404).end());
  for (const mediaType of ['application/x', 'application/vnd.oci.image.manifest.v1+json']) {
    const target = { mediaType, digest: 'sha256:../../other', size: 2 };
    const error = { code: 'DIGEST_INVALID' };
    await expect(collect(repository.fetch(target))).rejects.toMatchObject(error);
    await expect(repository.exists(target)).rejects.toMatchObject(error);
    await expect(repository.push(target, new Uint8Array(2))).rejects.toMatchObject(error);
    await expect(collect(repository.referrers(target))).rejects.toMatchObject(error);
    await expect(repository.delete(target)).rejects.toMatchObject(error);
    await expect(repository.mount(target, 'team/base')).rejects.toMatchObject(error);
  }
  expect(lines).toEqual([]);
});
