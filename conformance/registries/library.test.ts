// The client library against each registry. Other tools read back what it wrote.

import { type Descriptor, MEDIA_TYPE_OCI_IMAGE_MANIFEST, parseManifest, readVerified } from '@soci/oci';
import { openRegistry } from '@soci/registry';
import { type Content, contentOf, drain, sha256, streamOf } from '@soci/test-content';
import { describe, expect, onTestFinished, test } from 'vitest';
import { hasTools } from '../tools/tools.ts';
import { artifact, EMPTY, noise } from './content.ts';
import { goldenBlob, goldenImage } from './golden-layout.ts';
import { craneBlob, craneManifest, craneTags, orasReferrers, skopeoPush } from './oracles.ts';
import { openClient, realRegistries } from './real-registry.ts';

const OCTETS = 'application/octet-stream';
const withCrane = test.skipIf(!hasTools('crane'));
const withOras = test.skipIf(!hasTools('oras'));
const withSkopeo = test.skipIf(!hasTools('skopeo'));

for (const registry of realRegistries()) {
  describe.skipIf(!registry.isRunning)(registry.name, () => {
    describe('after a push with skopeo', () => {
      const image = goldenImage('single-oci');

      withSkopeo('resolves a tag and a digest alike', async () => {
        await skopeoPush(image.folder, registry, 'library/read:one');
        const repository = openClient(registry).repository('library/read');
        const { mediaType, digest, size } = image.root;
        expect(await repository.resolve('one')).toEqual({ mediaType, digest, size });
        expect(await repository.resolve(digest)).toEqual({ mediaType, digest, size });
      });

      withSkopeo('reads manifest, configuration and layers', async () => {
        await skopeoPush(image.folder, registry, 'library/read:two');
        const repository = openClient(registry).repository('library/read');
        const root = await readVerified(repository, image.root);
        expect(sha256(root)).toBe(image.root.digest);
        const { config, layers } = parseManifest(root, image.root);
        for (const target of [config, ...layers]) {
          expect(await repository.exists(target)).toBe(true);
          expect(sha256(await drain(repository.fetch(target)))).toBe(target.digest);
        }
      });

      withSkopeo('reads parts of a layer', async () => {
        await skopeoPush(image.folder, registry, 'library/read:three');
        const repository = openClient(registry).repository('library/read');
        const [layer] = parseManifest(goldenBlob(image, image.root.digest), image.root).layers as [Descriptor];
        const whole = goldenBlob(image, layer.digest);
        for (const [offset, length] of [
          [0, 1],
          [1000, 5000],
          [layer.size - 1, 1],
          [0, layer.size],
          [17, 0],
        ] as const) {
          const part = await repository.fetchRange(layer, { offset, length });
          expect(Buffer.compare(part, whole.subarray(offset, offset + length))).toBe(0);
        }
        await expect(repository.fetchRange(layer, { offset: layer.size, length: 1 })).rejects.toMatchObject({
          code: 'RANGE_INVALID',
        });
      });

      withSkopeo('reads every kind of image by its tag', async () => {
        const repository = openClient(registry).repository('library/kinds');
        for (const name of ['multi', 'multi-docker', 'single-docker', 'docker-uncompressed', 'zstd-only']) {
          const { folder, root } = goldenImage(name);
          await skopeoPush(folder, registry, `library/kinds:${name}`);
          expect(await repository.resolve(name)).toMatchObject({ digest: root.digest, mediaType: root.mediaType });
        }
      });
    });

    test('reports missing content as missing', async () => {
      const repository = openClient(registry).repository('library/nowhere');
      const { descriptor } = contentOf(OCTETS, noise('nowhere', 10));
      await expect(repository.resolve('latest')).rejects.toMatchObject({ code: 'NOT_FOUND' });
      await expect(repository.resolve(descriptor.digest)).rejects.toMatchObject({ code: 'NOT_FOUND' });
      await expect(drain(repository.fetch(descriptor))).rejects.toMatchObject({ code: 'NOT_FOUND' });
      await expect(repository.fetchRange(descriptor, { offset: 1, length: 1 })).rejects.toMatchObject({
        code: 'NOT_FOUND',
      });
      expect(await repository.exists(descriptor)).toBe(false);
      expect(await repository.exists({ ...descriptor, mediaType: MEDIA_TYPE_OCI_IMAGE_MANIFEST })).toBe(false);
    });

    withCrane('pushes streams of unknown digest that crane reads', async () => {
      const repository = openClient(registry).repository('library/streamed');
      for (const size of [0, 70_000, 8 << 20, 24 << 20]) {
        const { bytes, descriptor } = contentOf(OCTETS, noise(`unknown ${registry.name}`, size));
        const { digest } = descriptor;
        expect(await repository.pushStream(streamOf(bytes))).toEqual({ digest, size });
        expect(sha256(await craneBlob(`${registry.host}/library/streamed`, digest))).toBe(digest);
        // The blob exists now.
        expect(await repository.pushStream(streamOf(bytes))).toEqual({ digest, size });
      }
    });

    test('leaves no blob of a stream that fails', async () => {
      const repository = openClient(registry).repository('library/failed');
      const { bytes, descriptor } = contentOf(OCTETS, noise(`failed ${registry.name}`, 20 << 20));
      const failure = new Error('the stream failed');
      async function* failing() {
        yield* streamOf(bytes);
        throw failure;
      }
      await expect(repository.pushStream(failing())).rejects.toBe(failure);
      expect(await repository.exists(descriptor)).toBe(false);
    });

    withCrane('pushes bytes and streams, small and large, that crane reads', async () => {
      const repository = openClient(registry).repository('library/pushed');
      for (const size of [0, 1, 70_000, 24 << 20]) {
        const whole = contentOf(OCTETS, noise(`whole ${registry.name}`, size));
        const streamed = contentOf(OCTETS, noise(`streamed ${registry.name}`, size));
        await repository.push(whole.descriptor, whole.bytes);
        await repository.push(streamed.descriptor, piecesOf(streamed.bytes, 60_000));
        for (const { descriptor, bytes } of [whole, streamed]) {
          expect(await repository.exists(descriptor)).toBe(true);
          const read = await craneBlob(`${registry.host}/library/pushed`, descriptor.digest);
          expect(Buffer.compare(read, bytes)).toBe(0);
        }
      }
    });

    test('rejects content that does not match its descriptor, and writes nothing', async () => {
      const repository = openClient(registry).repository('library/refused');
      const { descriptor, bytes } = contentOf(OCTETS, noise(`refused ${registry.name}`, 5000));
      const other = Uint8Array.from(bytes, (byte) => byte ^ 1);
      await expect(repository.push(descriptor, other)).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' });
      await expect(repository.push(descriptor, piecesOf(other, 999))).rejects.toMatchObject({
        code: 'DIGEST_MISMATCH',
      });
      await expect(repository.push(descriptor, bytes.subarray(1))).rejects.toMatchObject({ code: 'SIZE_MISMATCH' });
      expect(await repository.exists(descriptor)).toBe(false);
    });

    withCrane('puts manifests under tags that crane reads and lists', async () => {
      const repository = openClient(registry).repository('library/tagged');
      await repository.push(EMPTY.descriptor, EMPTY.bytes);
      const manifest = artifact('tagged', 'application/vnd.example');
      await repository.pushManifest(manifest.descriptor, manifest.bytes, { tag: 'at-once' });
      await repository.tag(manifest.descriptor, 'afterwards');
      for (const name of ['at-once', 'afterwards', manifest.descriptor.digest]) {
        const separator = name.includes(':') ? '@' : ':';
        const read = await craneManifest(`${registry.host}/library/tagged${separator}${name}`);
        expect(sha256(read)).toBe(manifest.descriptor.digest);
      }
      expect((await craneTags(`${registry.host}/library/tagged`)).sort()).toEqual(['afterwards', 'at-once']);
    });

    test('lists every tag', async () => {
      const repository = openClient(registry).repository('library/tags');
      await repository.push(EMPTY.descriptor, EMPTY.bytes);
      const manifest = artifact('tags', 'application/vnd.example');
      await repository.push(manifest.descriptor, manifest.bytes);
      const names = Array.from({ length: 130 }, (_, i) => `v${i}`);
      for (const name of names) await repository.tag(manifest.descriptor, name);
      expect((await Array.fromAsync(repository.tags())).sort()).toEqual(names.sort());
    });

    test(
      registry.mounts ? 'takes a blob over from another repository' : 'says where a blob cannot be taken over',
      async () => {
        const client = openClient(registry);
        const from = client.repository('library/mounted-from');
        const to = client.repository('library/mounted-to');
        const { descriptor, bytes } = contentOf(OCTETS, noise(`mounted ${registry.name}`, 10_000));
        await from.push(descriptor, bytes);
        // Registries that store blobs by digest alone have them in every repository.
        const isThere = (await to.mount(descriptor, 'library/mounted-from')) || (await to.exists(descriptor));
        if (registry.mounts) expect(isThere).toBe(true);
        if (!isThere) await to.push(descriptor, bytes);
        expect(sha256(await drain(to.fetch(descriptor)))).toBe(descriptor.digest);

        const missing = contentOf(OCTETS, noise(`missing ${registry.name}`, 10_000));
        expect(await to.mount(missing.descriptor, 'library/mounted-from')).toBe(false);
        await to.push(missing.descriptor, missing.bytes);
        expect(await to.exists(missing.descriptor)).toBe(true);
      },
    );

    withOras(
      `lists ${registry.hasReferrers ? 'referrers' : 'referrers, which a tag keeps'}, as oras finds them`,
      async () => {
        const repository = openClient(registry).repository('library/referred');
        await repository.push(EMPTY.descriptor, EMPTY.bytes);
        const subject = artifact('subject', 'application/vnd.example');
        await repository.pushManifest(subject.descriptor, subject.bytes, { tag: 'subject' });
        const kinds = ['application/vnd.example.a', 'application/vnd.example.b', 'application/vnd.example.a'];
        const all: Content[] = kinds.map((kind, i) => artifact(`referrer ${i}`, kind, subject.descriptor));
        for (const { descriptor, bytes } of all) await repository.push(descriptor, bytes);
        const found = await Array.fromAsync(repository.referrers(subject.descriptor));
        expect(found.map(({ digest }) => digest).sort()).toEqual(digestsOf(all));
        expect(new Set(found.map(({ artifactType }) => artifactType))).toEqual(new Set(kinds));
        const ofA = await Array.fromAsync(repository.referrers(subject.descriptor, kinds[0]));
        expect(ofA.map(({ digest }) => digest).sort()).toEqual(digestsOf(all.filter((_, i) => kinds[i] === kinds[0])));
        const seen = await orasReferrers(registry, 'library/referred:subject');
        expect(seen.map(({ digest }) => digest).sort()).toEqual(digestsOf(all));
      },
    );

    test('loses no referrer if several clients write at the same time', async () => {
      const path = 'library/contended';
      const repository = openClient(registry).repository(path);
      await repository.push(EMPTY.descriptor, EMPTY.bytes);
      const subject = artifact('contended', 'application/vnd.example');
      await repository.push(subject.descriptor, subject.bytes);
      const all = Array.from({ length: 8 }, (_, i) =>
        artifact(`contender ${i}`, 'application/vnd.example', subject.descriptor),
      );
      await Promise.all(
        all.map(({ descriptor, bytes }) => openClient(registry).repository(path).push(descriptor, bytes)),
      );
      const found = await Array.fromAsync(openClient(registry).repository(path).referrers(subject.descriptor));
      expect(found.map(({ digest }) => digest).sort()).toEqual(digestsOf(all));
    });

    test('deletes a manifest', async () => {
      const repository = openClient(registry).repository('library/deleted');
      await repository.push(EMPTY.descriptor, EMPTY.bytes);
      const manifest = artifact(`deleted ${registry.name}`, 'application/vnd.example');
      await repository.push(manifest.descriptor, manifest.bytes);
      expect(await repository.exists(manifest.descriptor)).toBe(true);
      await repository.delete(manifest.descriptor);
      const afresh = openClient(registry).repository('library/deleted');
      expect(await afresh.exists(manifest.descriptor)).toBe(false);
      await expect(afresh.resolve(manifest.descriptor.digest)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    });

    if (registry.asksForLogin) {
      test('reports rejected credentials without printing them', async () => {
        const password = 'not the right one';
        const registryWithout = openClient(registry, { credentials: async () => undefined });
        const registryWithWrong = openClient(registry, {
          credentials: async () => ({ kind: 'password', username: 'reader', password }),
        });
        for (const client of [registryWithout, registryWithWrong]) {
          const failure = await client.repository('library/secret').resolve('latest').catch(String);
          expect(failure).toContain(registry.host);
          expect(failure).not.toContain(password);
          await expect(client.repository('library/secret').resolve('latest')).rejects.toMatchObject({
            code: 'AUTHENTICATION_FAILED',
          });
        }
      });
    }

    if (registry.hasTls) {
      test('does not trust an unknown certificate', async () => {
        const client = openRegistry(registry.host, { credentials: async () => undefined });
        onTestFinished(() => client.close());
        await expect(client.repository('library/secret').resolve('latest')).rejects.toMatchObject({
          code: 'TLS_FAILED',
        });
      });
    }
  });
}

function digestsOf(contents: readonly Content[]): string[] {
  return contents.map(({ descriptor }) => descriptor.digest).sort();
}

async function* piecesOf(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let offset = 0; offset < bytes.length; offset += size) yield bytes.subarray(offset, offset + size);
}
