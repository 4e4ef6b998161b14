import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describeImage, ImageFiles, parseLocation, withImageStores } from '@soci/cli/internal';
import { temporaryFolder } from '@soci/test-content/vitest';
import { expect, it } from 'vitest';
import { makeImage } from './make-image.ts';
import { listTree } from './tree.ts';

const folder = temporaryFolder();
const { signal } = new AbortController();

/** Lets `look` see the files of an image in a layout. */
async function withFiles(layout: string, look: (files: ImageFiles) => Promise<void>): Promise<void> {
  await withImageStores({ env: {}, trace: () => {} }, signal, async (places) => {
    const source = await places.openSource(parseLocation(`oci:${layout}:latest`));
    const { images } = await describeImage(source, { signal });
    expect(images).toHaveLength(1);
    for (const image of images) await look(new ImageFiles(source, image, { signal }));
  });
}

it('holds what the machine holds', async () => {
  const tree = join(folder, 'tree');
  const long = `${'d'.repeat(60)}/${'e'.repeat(60)}`;
  mkdirSync(join(tree, long), { recursive: true });
  writeFileSync(join(tree, long, 'file'), 'behind a long path');
  writeFileSync(join(tree, 'empty'), '');
  writeFileSync(join(tree, 'two-blocks'), 'x'.repeat(1024));
  symlinkSync('f'.repeat(120), join(tree, 'link'));
  const image = join(folder, 'image');
  let packed = 0;
  await makeImage(image, [{ title: 'tree', entries: await listTree(tree, 'tree') }], {
    signal,
    onBytes: (bytes) => {
      packed += bytes;
    },
  });
  expect(packed % 512).toBe(0);
  await withFiles(image, async (files) => {
    expect([...(await files.list('tree')).keys()]).toEqual(['d'.repeat(60), 'empty', 'link', 'two-blocks']);
    expect(Buffer.from((await files.find('tree/link'))?.entry?.linkName ?? '').toString()).toBe('f'.repeat(120));
    expect(await read(files, `tree/${long}/file`)).toBe('behind a long path');
    expect(await read(files, 'tree/two-blocks')).toBe('x'.repeat(1024));
  });
});

async function read(files: ImageFiles, path: string): Promise<string> {
  const file = await files.find(path);
  const chunks: Uint8Array[] = [];
  if (file?.entry) for await (const chunk of file.reader.openFile(file.entry)) chunks.push(new Uint8Array(chunk));
  return Buffer.concat(chunks).toString();
}

it('is not there when it is not complete', async () => {
  const parent = join(folder, 'partial');
  mkdirSync(parent);
  const stopped = makeImage(join(parent, 'image'), [{ title: 'tree', entries: await listTree(folder, 'x') }], {
    signal: AbortSignal.abort(new Error('stopped')),
    onBytes: () => {},
  });
  await expect(stopped).rejects.toThrow();
  expect(readdirSync(parent)).toEqual([]);
});
