import {
  type Descriptor,
  MEDIA_TYPE_DOCKER_MANIFEST_LIST,
  MEDIA_TYPE_OCI_EMPTY,
  MEDIA_TYPE_OCI_IMAGE_INDEX,
  MEDIA_TYPE_OCI_IMAGE_MANIFEST,
} from '@soci/oci';
import { type Content, collect, contentOf, smallImage } from '@soci/test-content';
import { expect, test } from 'vitest';
import { openTestRepository, pushBlobs, requestLines } from '../fixtures/opened-repository.ts';
import { openScriptedRepository, respondJson } from '../fixtures/scripted-registry.ts';
import type { Repository } from '../repository.ts';

const SIGNATURE = 'application/vnd.example.signature';
const REPORT = 'application/vnd.example.report';

/** Returns a manifest with a subject, and the blob of its config. */
function createReferrer(subject: Descriptor, type: string, note: string): { manifest: Content; config: Content } {
  const config = contentOf(type, '{}');
  const manifest = contentOf(MEDIA_TYPE_OCI_IMAGE_MANIFEST, {
    schemaVersion: 2,
    mediaType: MEDIA_TYPE_OCI_IMAGE_MANIFEST,
    config: config.descriptor,
    layers: [{ ...config.descriptor, mediaType: MEDIA_TYPE_OCI_EMPTY }],
    subject,
    annotations: { note },
  });
  return { manifest, config };
}

/** Pushes a referrer of `subject`; returns its expected entry in the list of referrers. */
async function pushReferrer(
  repository: Repository,
  subject: Descriptor,
  type: string,
  note: string,
): Promise<Descriptor> {
  const { manifest, config } = createReferrer(subject, type, note);
  await repository.push(config.descriptor, config.bytes);
  await repository.push(manifest.descriptor, manifest.bytes);
  return { ...manifest.descriptor, artifactType: type, annotations: { note } };
}

async function pushSubject(repository: Repository): Promise<Descriptor> {
  const { descriptor, bytes } = await pushBlobs(repository);
  await repository.push(descriptor, bytes);
  return descriptor;
}

test.each([{ referrers: true }, { referrers: false }])(
  'lists referrers, optionally by type (API: $referrers)',
  async ({ referrers }) => {
    const { repository, reopen, server } = await openTestRepository({ referrers, pageSize: 1 });
    const subject = await pushSubject(repository);
    expect(await collect(repository.referrers(subject))).toEqual([]);
    const signature = await pushReferrer(repository, subject, SIGNATURE, 'one');
    const report = await pushReferrer(repository, subject, REPORT, 'two');

    for (const reader of [repository, reopen()]) {
      const all = await collect(reader.referrers(subject));
      expect(all.toSorted(byNote)).toEqual([signature, report].toSorted(byNote));
      expect(await collect(reader.referrers(subject, REPORT))).toEqual([report]);
    }
    const tag = subject.digest.replace(':', '-');
    expect(server.tags('team/app')).toEqual(referrers ? [] : [tag]);
  },
);

test('detects the referrers API once', async () => {
  const { repository, server } = await openTestRepository({ referrers: false });
  const subject = await pushSubject(repository);
  server.clearRequests();
  await collect(repository.referrers(subject));
  await collect(repository.referrers(subject));
  const tag = `GET /v2/team/app/manifests/${subject.digest.replace(':', '-')} 404`;
  expect(requestLines(server)).toEqual([`GET /v2/team/app/referrers/${subject.digest} 404`, tag, tag]);
});

test('sends no further request if the registry acknowledges the subject', async () => {
  const { repository, server } = await openTestRepository();
  const subject = await pushSubject(repository);
  const { manifest, config } = createReferrer(subject, SIGNATURE, 'one');
  await repository.push(config.descriptor, config.bytes);
  server.clearRequests();
  await repository.pushManifest(manifest.descriptor, manifest.bytes);
  expect(requestLines(server)).toEqual([`PUT /v2/team/app/manifests/${manifest.descriptor.digest} 201`]);
});

test('adds an existing manifest to the list when it is pushed again', async () => {
  const { repository, reopen, server } = await openTestRepository({ referrers: false });
  const subject = await pushSubject(repository);
  const { manifest, config } = createReferrer(subject, SIGNATURE, 'one');
  await repository.push(config.descriptor, config.bytes);
  server.putManifest('team/app', manifest.descriptor.digest, MEDIA_TYPE_OCI_IMAGE_MANIFEST, manifest.bytes);
  await reopen().push(manifest.descriptor, manifest.bytes);
  expect(await collect(reopen().referrers(subject))).toMatchObject([manifest.descriptor]);
});

test('preserves entries and fields of other writers in the index', async () => {
  const { repository, server } = await openTestRepository({ referrers: false });
  const subject = await pushSubject(repository);
  const tag = subject.digest.replace(':', '-');
  const other = { mediaType: MEDIA_TYPE_OCI_IMAGE_MANIFEST, digest: subject.digest, size: subject.size, unknown: 1 };
  const index = {
    schemaVersion: 2,
    mediaType: MEDIA_TYPE_OCI_IMAGE_INDEX,
    manifests: [other],
    annotations: { author: 'another client' },
  };
  server.putManifest('team/app', tag, MEDIA_TYPE_OCI_IMAGE_INDEX, contentOf(MEDIA_TYPE_OCI_IMAGE_INDEX, index).bytes);
  const own = await pushReferrer(repository, subject, SIGNATURE, 'one');
  const written = JSON.parse(new TextDecoder().decode(server.manifest('team/app', tag)?.bytes));
  expect(written).toEqual({ ...index, manifests: [other, own] });
});

test('removes a deleted referrer from the list', async () => {
  const { repository, reopen } = await openTestRepository({ referrers: false });
  const subject = await pushSubject(repository);
  const deleted = await pushReferrer(repository, subject, SIGNATURE, 'one');
  const stays = await pushReferrer(repository, subject, REPORT, 'two');
  await repository.delete(deleted);
  expect(await collect(reopen().referrers(subject))).toEqual([stays]);
  expect(await reopen().exists(deleted)).toBe(false);
});

test('repeats a write that failed, and detects one whose response was lost', async () => {
  const { repository, reopen, server } = await openTestRepository({ referrers: false });
  const subject = await pushSubject(repository);
  const on = { method: 'PUT', path: /\/manifests\/sha256-/ };
  server.inject({ on, fault: { kind: 'lost-response' } });
  server.inject({ on, after: 1, fault: { kind: 'status', status: 503 } });
  const first = await pushReferrer(repository, subject, SIGNATURE, 'one');
  const second = await pushReferrer(repository, subject, REPORT, 'two');
  expect(await collect(reopen().referrers(subject))).toEqual([first, second]);
});

test('keeps the entries of eight concurrent writers', async () => {
  const { repository, reopen, server } = await openTestRepository({ referrers: false, latency: 20 });
  const subject = await pushSubject(repository);
  const { config } = createReferrer(subject, SIGNATURE, '');
  await repository.push(config.descriptor, config.bytes);
  // Separate clients, which share nothing but the registry.
  const writers = Array.from({ length: 8 }, () => reopen());
  const pushed = await Promise.all(writers.map((writer, i) => pushReferrer(writer, subject, SIGNATURE, `writer ${i}`)));
  const listed = await collect(reopen().referrers(subject));
  expect(listed.toSorted(byNote)).toEqual(pushed);
  const tagWrites = requestLines(server).filter((line) => line.startsWith('PUT /v2/team/app/manifests/sha256-'));
  expect(tagWrites.length).toBeGreaterThan(8); // the writers did collide
});

test('serializes writers that share a registry client', async () => {
  const { repository, reopen, server } = await openTestRepository({ referrers: false });
  const subject = await pushSubject(repository);
  await Promise.all([0, 1, 2].map((i) => pushReferrer(repository, subject, SIGNATURE, `writer ${i}`)));
  expect(await collect(reopen().referrers(subject))).toHaveLength(3);
  expect(requestLines(server).filter((line) => /^PUT .*\/sha256-/.test(line))).toHaveLength(3);
});

test('rejects with CONTENDED if other writers keep overwriting the list', async () => {
  const { repository } = await openScriptedRepository((request, response) => {
    if (request.method === 'PUT') response.writeHead(201).end();
    else response.writeHead(404).end();
  });
  const { manifest } = createReferrer(
    { mediaType: MEDIA_TYPE_OCI_IMAGE_MANIFEST, digest: `sha256:${'0'.repeat(64)}`, size: 2 },
    REPORT,
    '',
  );
  await expect(repository.pushManifest(manifest.descriptor, manifest.bytes)).rejects.toMatchObject({
    code: 'CONTENDED',
  });
});

const subject: Descriptor = { mediaType: MEDIA_TYPE_OCI_IMAGE_MANIFEST, digest: `sha256:${'1'.repeat(64)}`, size: 2 };
const entry = (artifactType?: string) => ({ ...subject, ...(artifactType && { artifactType }) });

test('filters referrers unless the registry did; a filtered entry needs no artifactType', async () => {
  for (const [headers, expected] of [
    [{}, [entry(REPORT)]],
    [{ 'oci-filters-applied': 'artifactType' }, [entry(), entry(REPORT)]],
  ] as const) {
    const { repository, lines } = await openScriptedRepository((_, response) =>
      respondJson(response, { schemaVersion: 2, manifests: [entry(), entry(SIGNATURE), entry(REPORT)] }, headers),
    );
    expect(await collect(repository.referrers(subject, REPORT))).toEqual(expected);
    expect(lines).toEqual([`GET /v2/team/app/referrers/${subject.digest}?artifactType=${encodeURIComponent(REPORT)}`]);
  }
});

test('a repository that does not exist has no referrers, and does not show whether the registry has the referrers API', async () => {
  const { repository, server } = await openTestRepository();
  expect(await collect(repository.referrers(subject))).toEqual([]);
  server.clearRequests();
  expect(await collect(repository.referrers(subject))).toEqual([]);
  expect(requestLines(server)[0]).toMatch(/^GET \/v2\/team\/app\/referrers\//);
});

test('treats an HTML page as a missing referrers API', async () => {
  const { repository } = await openScriptedRepository((request, response) => {
    if (request.url?.includes('/referrers/')) response.writeHead(200, { 'content-type': 'text/html' }).end('<html>');
    else
      respondJson(
        response,
        { schemaVersion: 2, manifests: [entry(REPORT)] },
        { 'content-type': MEDIA_TYPE_OCI_IMAGE_INDEX },
      );
  });
  expect(await collect(repository.referrers(subject))).toEqual([entry(REPORT)]);
});

test('rejects a list of referrers that is not an image index', async () => {
  const { repository } = await openScriptedRepository((_, response) =>
    respondJson(response, { schemaVersion: 2, manifests: {} }),
  );
  await expect(collect(repository.referrers(subject))).rejects.toMatchObject({
    code: 'MANIFEST_INVALID',
    message: expect.stringMatching(/^GET .*\/referrers\/sha256:1+: /),
  });
});

const index = { schemaVersion: 2, mediaType: MEDIA_TYPE_OCI_IMAGE_INDEX, manifests: [] };
const image = smallImage().manifest;
const imageIndex = contentOf(MEDIA_TYPE_OCI_IMAGE_INDEX, { ...index, manifests: [image.descriptor] });

test.each([
  ['the subject, an image', image, image.descriptor],
  ['the subject, an image index', imageIndex, imageIndex.descriptor],
  ['another image', image, subject],
  ['a Docker manifest list', contentOf(MEDIA_TYPE_DOCKER_MANIFEST_LIST, { schemaVersion: 2, manifests: [] }), subject],
  ['an invalid index', contentOf(MEDIA_TYPE_OCI_IMAGE_INDEX, { ...index, manifests: {} }), subject],
  ['text', contentOf('text/plain', 'text'), subject],
  ['an HTML page', contentOf('text/html', '<html>'), subject],
])('lists no referrers, and adds none, if the referrers tag is %s', async (_title, { descriptor, bytes }, of) => {
  // GitLab resolves sha256-HEX to the manifest with this digest.
  const { repository, lines } = await openScriptedRepository((request, response) => {
    if (request.method === 'PUT') response.writeHead(201).end();
    else if (request.url?.includes('/referrers/')) response.writeHead(404).end();
    else response.writeHead(200, { 'content-type': descriptor.mediaType }).end(bytes);
  });
  expect(await collect(repository.referrers(of))).toEqual([]);
  const { manifest } = createReferrer(of, SIGNATURE, 'one');
  await expect(repository.pushManifest(manifest.descriptor, manifest.bytes)).rejects.toMatchObject({
    code: 'UNSUPPORTED',
    message: expect.stringMatching(/cannot list SOCI indexes of version 1.*team\/app:sha256-\w+ is not a list/),
  });
  expect(lines.filter((line) => line.startsWith('PUT'))).toHaveLength(1);
});

test('reads a list of referrers that names the subject in an entry', async () => {
  const { repository } = await openScriptedRepository((request, response) => {
    if (request.url?.includes('/referrers/')) response.writeHead(404).end();
    else respondJson(response, { ...index, manifests: [entry(REPORT)] }, { 'content-type': index.mediaType });
  });
  expect(await collect(repository.referrers(subject))).toEqual([entry(REPORT)]);
});

function byNote(a: Descriptor, b: Descriptor): number {
  return (a.annotations?.note ?? '').localeCompare(b.annotations?.note ?? '');
}
