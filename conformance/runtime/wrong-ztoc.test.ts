// With a zTOC that does not belong to its layer, reads fail, or the layer is pulled whole.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Random } from '@soci/test-content';
import { decodeZtoc, encodeZtoc, type FileEntry, type Ztoc } from '@soci/ztoc';
import { beforeAll, describe, expect, inject, test } from 'vitest';
import { runProgram, runWell } from '../registries/run-program.ts';
import { REPORTS } from '../run-report.ts';
import { encode } from './images/encodings.ts';
import { makeUsualArchives } from './images/usual-image.ts';
import { pushLayout, writeImage } from './images/write-image.ts';
import { addWrongImage, type ZtocChange } from './images/wrong-ztoc.ts';
import { SOCI_INDEX, useSession } from './session.ts';
import type { TreeEntry } from './tree.ts';

/** Time for reading files, in milliseconds: the snapshotter repeats some failed reads for 8 s. */
const READING = 15_000;

/** Positions of flipped bytes. `--all` tries more. */
const FLIPS = process.env.RUNTIME_TESTS === 'all' ? 30 : 4;

const changeFiles =
  (change: (files: FileEntry[], ztoc: Ztoc) => FileEntry[]): ZtocChange =>
  (bytes) => {
    const ztoc = decodeZtoc(bytes);
    return encodeZtoc({ ...ztoc, files: change([...ztoc.files], ztoc) });
  };

const CHANGES: ReadonlyArray<readonly [name: string, change: ZtocChange]> = [
  ['is that of another layer', (_, other) => other],
  ['is cut in half', (bytes) => bytes.slice(0, bytes.length / 2)],
  ['is cut by one byte', (bytes) => bytes.slice(0, -1)],
  ['is empty', () => new Uint8Array()],
  ['has zeros in the middle', (bytes) => bytes.slice().fill(0, bytes.length / 2, bytes.length / 2 + 40_000)],
  ...Array.from({ length: FLIPS }, (_, i): readonly [string, ZtocChange] => [
    `has a flipped byte (${i + 1})`,
    (bytes) => {
      const flipped = bytes.slice();
      const at = new Random(i).below(bytes.length);
      flipped[at] = (flipped[at] ?? 0) ^ 0x5a;
      return flipped;
    },
  ]),
  [
    'gives two files the content of each other',
    changeFiles((files) => {
      const regular = files.filter(({ type, uncompressedSize }) => type === 'reg' && uncompressedSize > 400_000);
      const [a, b] = regular as [FileEntry, FileEntry];
      return files.map((file) => {
        const source = file === a ? b : file === b ? a : file;
        const { uncompressedOffset, uncompressedSize } = source;
        return { ...file, uncompressedOffset, uncompressedSize };
      });
    }),
  ],
  [
    'makes files shorter',
    changeFiles((files) =>
      files.map((file) => (file.type === 'reg' ? { ...file, uncompressedSize: file.uncompressedSize >> 1 } : file)),
    ),
  ],
  [
    'moves the content of files by a byte',
    changeFiles((files) => files.map((file) => ({ ...file, uncompressedOffset: file.uncompressedOffset + 1 }))),
  ],
  [
    'renames files',
    changeFiles((files) => {
      const names = files.map(({ name }) => name);
      return files.map((file, i) =>
        i === 0 ? file : { ...file, name: names[1 + (i % (names.length - 1))] as Uint8Array },
      );
    }),
  ],
  [
    'has the checkpoints of another layer',
    (bytes, other) => {
      const { checkpoints, maxSpanId, spanDigests } = decodeZtoc(other);
      return encodeZtoc({ ...decodeZtoc(bytes), checkpoints, maxSpanId, spanDigests });
    },
  ],
];

/** Changes of bytes in the storage of the registry. The digests in the manifests then do not match. */
const DAMAGES = new Set([
  'is that of another layer',
  'is cut in half',
  'is cut by one byte',
  'has a flipped byte (1)',
  'has a flipped byte (2)',
]);

describe.skipIf(inject('programs') === undefined)('a zTOC that does not belong to its layer', () => {
  const session = useSession();
  let converted: string;
  let ordinary: ReadonlyMap<string, TreeEntry>;

  beforeAll(async () => {
    const { folder, reference, registry } = session();
    const archives = makeUsualArchives(3);
    const layers = await Promise.all(
      archives.map(async (archive) => ({ archive, blob: await encode('go', archive, reference) })),
    );
    const layout = join(folder, 'right');
    await writeImage(layout, { platforms: { 'linux/amd64': layers } });
    await pushLayout(layout, registry, 'wrong', 'latest');
    converted = join(folder, 'converted');
    const spans = ['--min-layer-size', '0', '--span-size', '128KiB'];
    await runWell(process.execPath, [SOCI_INDEX, 'convert', '-q', ...spans, `oci:${layout}`, `oci:${converted}`]);
    const tree = await session().pullOrdinarily({ repository: 'wrong', tag: 'latest' });
    ordinary = new Map(tree.map((entry) => [entry.path, entry]));
  });

  /** Files that were read without an error, but are not those of the image, and the number of failed reads. */
  async function findWrongFiles(what: string, repository: string, tag: string) {
    const pull = await session()
      .pullLazily({ repository, tag, timeout: READING })
      .catch((error: Error) => error);
    if (pull instanceof Error) {
      expect(pull).toMatchObject({ name: 'TestRuntimeError', code: 'PROGRAM_FAILED' });
      REPORTS.runtime.measured(what, { 'failed pulls': 1 });
      return { wrong: [], failed: 1 };
    }
    const files = pull.tree.filter(({ content }) => content !== undefined);
    const failed = files.filter(({ content }) => content?.startsWith('error: '));
    const wrong = files.filter((file) => !failed.includes(file) && ordinary.get(file.path)?.content !== file.content);
    REPORTS.runtime.measured(what, {
      'FUSE mounts': pull.fuseMounts,
      'right files': files.length - failed.length - wrong.length,
      'failed reads': failed.length,
      'wrong files': wrong.length,
    });
    return { wrong: wrong.map(({ path }) => path), failed: failed.length };
  }

  test.each(CHANGES.map(([name, change], i) => ({ name, change, tag: `wrong${i}` })))(
    'with a right digest: it $name',
    async ({ name, change, tag }) => {
      const { root, before, after } = await addWrongImage(converted, change);
      const { registry } = session();
      await pushLayout(converted, registry, 'wrong', tag, root);
      const { wrong, failed } = await findWrongFiles(`a zTOC that ${name}`, 'wrong', tag);
      // The format has no digest of a checkpoint's window, so the runtime cannot notice a change in it.
      if (!isWindowChanged(before, after)) expect(wrong).toEqual([]);
      if (wrong.length + failed === 0) return;
      const verified = await runProgram(process.execPath, [SOCI_INDEX, 'verify', `${registry}/wrong:${tag}`]);
      expect(verified.code, verified.stderr).not.toBe(0);
    },
  );

  test.each(CHANGES.filter(([name]) => DAMAGES.has(name)).map(([name, change], i) => ({ name, change, i })))(
    'with a wrong digest, because the registry has damaged it: it $name',
    async ({ name, change, i }) => {
      const repository = `damaged${i}`;
      const { folder, registry } = session();
      // Another span size, because repositories share blobs.
      const spans = ['--min-layer-size', '0', '--span-size', `${100 + i}KiB`];
      await pushLayout(join(folder, 'right'), registry, repository, 'latest');
      const [first, second] = await session().index('convert', repository, spans);
      const [other, ztoc] = [first, second].map((layer) => storedBlob(folder, layer?.digest ?? ''));
      writeFileSync(ztoc ?? '', change(readFileSync(ztoc ?? ''), readFileSync(other ?? '')));
      expect((await findWrongFiles(`a damaged zTOC that ${name}`, repository, 'soci')).wrong).toEqual([]);
    },
  );
});

/** Returns the path of a blob in the storage of docker-registry. */
function storedBlob(folder: string, digest: string): string {
  const hex = digest.slice('sha256:'.length);
  return join(
    folder,
    'registry',
    'content',
    'docker',
    'registry',
    'v2',
    'blobs',
    'sha256',
    hex.slice(0, 2),
    hex,
    'data',
  );
}

/** Returns whether zTOCs differ only in the windows of their checkpoints. */
function isWindowChanged(before: Uint8Array, after: Uint8Array): boolean {
  try {
    const [a, b] = [decodeZtoc(before), decodeZtoc(after)];
    const same = { ...b, checkpoints: a.checkpoints };
    return Buffer.compare(encodeZtoc(a), encodeZtoc(same)) === 0 && a.checkpoints.length === b.checkpoints.length;
  } catch {
    return false;
  }
}
