import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describeContent, goldenLayoutNames, goldenLayoutPath, toBytes } from '@soci/test-content';
import { temporaryFolder } from '@soci/test-content/vitest';
import { describe, expect, test } from 'vitest';
import { copyImage } from '../copy.ts';
import { makeImage } from '../fixtures/image.ts';
import { createLayout } from './layout-draft.ts';
import { openLayout } from './layout-store.ts';

const temp = temporaryFolder();
let count = 0;

/** Creates a parent folder per test, so that the test sees leftover files. */
function makeParent(): { parent: string; folder: string } {
  count += 1;
  const parent = join(temp, String(count));
  mkdirSync(parent);
  return { parent, folder: join(parent, 'layout') };
}

describe('a new layout', () => {
  test('is visible only after it is committed', async () => {
    const { parent, folder } = makeParent();
    const { store, root } = await makeImage();
    const draft = await createLayout(folder);
    await copyImage(store, draft, root);
    await draft.tag(root, 'v1');
    expect(existsSync(folder)).toBe(false);
    await draft.commit();
    await draft.discard();

    expect(readdirSync(parent)).toEqual(['layout']);
    expect(readdirSync(folder)).toEqual(['blobs', 'index.json', 'oci-layout']);
    expect(readFileSync(join(folder, 'oci-layout'), 'utf8')).toBe('{"imageLayoutVersion":"1.0.0"}');
    const written = await openLayout(folder);
    expect(await copyImage(written, store, await written.resolve('v1'), { repair: true })).toMatchObject({
      copied: 0,
      present: 8,
    });
  });

  test('can replace an empty folder, and has default permissions', async () => {
    const { folder } = makeParent();
    mkdirSync(folder);
    const { mode } = statSync(folder);
    const draft = await createLayout(folder);
    await draft.commit();
    expect(await (await openLayout(folder)).roots()).toEqual([]);
    expect(statSync(folder).mode).toBe(mode);
  });

  test('is removed when it is discarded', async () => {
    const { parent, folder } = makeParent();
    const { store, root } = await makeImage();
    const draft = await createLayout(folder);
    await copyImage(store, draft, root);
    await draft.discard();
    expect(readdirSync(parent)).toEqual([]);
    await expect(draft.push(root, toBytes(''))).rejects.toMatchObject({ code: 'WRITE_FAILED' });
    await expect(draft.commit()).rejects.toMatchObject({ code: 'WRITE_FAILED' });
  });

  test('does not overwrite a folder that was created in the meantime', async () => {
    const { parent, folder } = makeParent();
    const draft = await createLayout(folder);
    mkdirSync(folder);
    writeFileSync(join(folder, 'precious'), '');
    await expect(draft.commit()).rejects.toMatchObject({ code: 'WRITE_FAILED' });
    await draft.discard();
    expect([readdirSync(parent), readdirSync(folder)]).toEqual([['layout'], ['precious']]);
  });

  test('can be read before it is committed', async () => {
    const { folder } = makeParent();
    const draft = await createLayout(folder);
    const content = toBytes('content');
    const blob = describeContent('application/x', content);
    await draft.push(blob, content);
    expect(await draft.exists(blob)).toBe(true);
    expect(await draft.fetchRange(blob, { offset: 0, length: 7 })).toEqual(content);
    for await (const chunk of draft.fetch(blob)) expect(chunk).toEqual(content);
    await draft.discard();
  });

  test.each([
    ['a file', (folder: string) => writeFileSync(folder, ''), 'LAYOUT_INVALID'],
    ['a folder with other files', (folder: string) => void makeOther(folder), 'LAYOUT_INVALID'],
    ['a dangling symbolic link', (folder: string) => symlinkSync('nowhere', folder), undefined],
  ])('%s exists at its path', async (_, make, code) => {
    const { parent, folder } = makeParent();
    make(folder);
    const before = readdirSync(parent);
    if (code !== undefined) await expect(createLayout(folder)).rejects.toMatchObject({ code });
    else await (await createLayout(folder)).discard();
    expect(readdirSync(parent)).toEqual(before);
  });

  test('requires an existing parent folder', async () => {
    const { folder } = makeParent();
    await expect(createLayout(join(folder, 'deeper'))).rejects.toMatchObject({ code: 'WRITE_FAILED' });
  });
});

describe('an existing layout', () => {
  test('receives blobs immediately, and tags on commit', async () => {
    const { folder } = makeParent();
    cpSync(goldenLayoutPath('single-oci'), folder, { recursive: true });
    const existing = await openLayout(folder);
    const before = await existing.roots();
    const { store, root, manifests } = await makeImage();
    const draft = await createLayout(folder);
    await copyImage(store, draft, root);
    await draft.tag(root, 'v1');
    for (const manifest of manifests) await draft.tag(manifest, '');
    expect(await existing.roots()).toEqual(before);
    await draft.commit();
    expect((await existing.roots()).map(({ digest }) => digest)).toEqual(
      [...before, root, ...manifests].map(({ digest }) => digest),
    );
  });

  test('is unchanged when the draft is discarded', async () => {
    const { folder } = makeParent();
    cpSync(goldenLayoutPath('single-oci'), folder, { recursive: true });
    const before = readdirSync(folder, { recursive: true });
    const source = await openLayout(goldenLayoutPath('single-oci'));
    const { store, root } = await makeImage();
    const draft = await createLayout(folder);
    await copyImage(source, draft, await source.resolve());
    await copyImage(store, draft, root);
    await draft.tag(root, 'v1');
    await draft.discard();
    expect(readdirSync(folder, { recursive: true })).toEqual(before);
    expect(readFileSync(join(folder, 'index.json'))).toEqual(
      readFileSync(`${goldenLayoutPath('single-oci')}/index.json`),
    );
  });
});

test.each(goldenLayoutNames())('copies the golden layout %s to identical blobs', async (name) => {
  const { folder } = makeParent();
  const source = await openLayout(goldenLayoutPath(name));
  const draft = await createLayout(folder);
  for (const root of await source.roots()) {
    await copyImage(source, draft, root);
    await draft.tag(root, '');
  }
  await draft.commit();
  const copy = await openLayout(folder);
  expect(await copy.roots()).toEqual(await source.roots());
  const blobs = (layout: string) => readdirSync(join(layout, 'blobs', 'sha256'));
  expect(blobs(folder)).toEqual(blobs(goldenLayoutPath(name)));
});

function makeOther(folder: string): void {
  mkdirSync(folder);
  writeFileSync(join(folder, 'precious'), '');
}
