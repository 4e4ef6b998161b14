import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { drain, goldenLayoutPath, hasProgram, jsonBytes, sha256 } from '@soci/test-content';
import { temporaryFolder } from '@soci/test-content/vitest';
import { describe, expect, test } from 'vitest';
import { readVerified } from '../read.ts';
import { walkContent } from '../walk.ts';
import { openImageDirectory } from './image-directory.ts';
import { openLayout } from './layout-store.ts';

const temp = temporaryFolder();
let count = 0;

/** Creates a directory as skopeo does: `manifest.json`, blobs by their hex digits, `version`. */
function directoryOf(layout: string, version = 'Directory Transport Version: 1.1\n'): string {
  count += 1;
  const directory = join(temp, String(count));
  cpSync(join(goldenLayoutPath(layout), 'blobs', 'sha256'), directory, { recursive: true });
  const index = JSON.parse(readFileSync(join(goldenLayoutPath(layout), 'index.json'), 'utf8'));
  const [{ digest }] = index.manifests;
  const root = readFileSync(join(directory, digest.slice(7)), 'utf8');
  renameSync(join(directory, digest.slice(7)), join(directory, 'manifest.json'));
  for (const { digest } of (JSON.parse(root).manifests ?? []) as { digest: string }[]) {
    renameSync(join(directory, digest.slice(7)), join(directory, `${digest.slice(7)}.manifest.json`));
  }
  writeFileSync(join(directory, 'version'), version);
  return directory;
}

describe.each(['single-oci', 'single-docker', 'multi'])('the image %s', (layout) => {
  test('has the same content as in the layout from which it was copied', async () => {
    const directory = await openImageDirectory(directoryOf(layout));
    const root = await directory.resolve();
    const original = await (await openLayout(goldenLayoutPath(layout))).resolve();
    expect(root).toMatchObject({ digest: original.digest, mediaType: original.mediaType, size: original.size });
    expect(await directory.roots()).toEqual([root]);
    for await (const { descriptor, raw } of walkContent(directory, root)) {
      expect(sha256(raw ?? (await drain(directory.fetch(descriptor))))).toBe(descriptor.digest);
    }
  });
});

test.skipIf(!hasProgram('skopeo'))('reads directories that skopeo wrote (needs skopeo)', async () => {
  const path = join(temp, 'skopeo');
  execFileSync('skopeo', ['copy', '-q', '--all', `oci:${goldenLayoutPath('multi')}`, `dir:${path}`]);
  const directory = await openImageDirectory(path);
  let blobs = 0;
  for await (const { descriptor } of walkContent(directory, await directory.resolve())) {
    await readVerified(directory, descriptor);
    blobs += 1;
  }
  expect(blobs).toBe(8);
});

test.each(['Directory Transport Version: 1.1', 'Directory Transport Version: 1.3\n'])(
  'accepts the version %j',
  async (version) => {
    expect(await (await openImageDirectory(directoryOf('single-oci', version))).roots()).toHaveLength(1);
  },
);

test('a damaged blob is found when it is read', async () => {
  const path = directoryOf('single-oci');
  const [name = ''] = readdirSync(path).filter((file) => /^0709e2/.test(file));
  writeFileSync(join(path, name), readFileSync(join(path, name)).fill(0, 9, 99));
  const directory = await openImageDirectory(path);
  const layer = { mediaType: 'a/b', digest: `sha256:${name}`, size: readFileSync(join(path, name)).length };
  await expect(readVerified(directory, layer)).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' });
});

test('a blob that is a symbolic link is not read', async () => {
  const path = directoryOf('single-oci');
  const digest = sha256(jsonBytes('x'));
  symlinkSync('/etc/passwd', join(path, digest.slice(7)));
  const directory = await openImageDirectory(path);
  await expect(drain(directory.fetch({ mediaType: 'a/b', digest, size: 3 }))).rejects.toMatchObject({
    code: 'PATH_ESCAPES',
  });
});

test('rejects other directories and files', async () => {
  const empty = join(temp, 'empty');
  mkdirSync(empty);
  const rejections = [
    [join(temp, 'missing'), 'NOT_FOUND', 'does not exist'],
    [join(directoryOf('single-oci'), 'version'), 'LAYOUT_INVALID', 'is not a directory'],
    [empty, 'LAYOUT_INVALID', 'skopeo copy'],
    [goldenLayoutPath('single-oci'), 'LAYOUT_INVALID', 'Read it as oci: (with openLayout'],
    [directoryOf('single-oci', 'Directory Transport Version: 2.0\n'), 'LAYOUT_INVALID', 'found "Directory'],
    [directoryOf('single-oci', 'x'), 'LAYOUT_INVALID', 'found "x"'],
  ] as const;
  for (const [path, code, words] of rejections) {
    const error = { code, message: expect.stringContaining(words) };
    await expect(openImageDirectory(path), words).rejects.toMatchObject(error);
  }
});
