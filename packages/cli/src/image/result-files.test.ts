import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { goldenLayoutPath } from '@soci/test-content';
import { temporaryFolder } from '@soci/test-content/vitest';
import { describe, expect, it } from 'vitest';
import { jsonLines, runCli } from '../fixtures/run-cli.ts';

const folder = temporaryFolder();
const image = `oci:${goldenLayoutPath('multi')}`;
const all = ['--jobs', '1', '--min-layer-size', '0'];
let count = 0;

/** Runs a command with a new file for each result. Returns the run and the content of both files. */
async function runWithFiles(command: string, words: readonly string[]) {
  count += 1;
  const [result, summary] = ['result', 'summary'].map((name) => join(folder, `${name}-${count}`)) as [string, string];
  const run = await runCli([command, '--json', '--result-file', result, '--summary-file', summary, ...words]);
  return { run, result: readFileSync(result, 'utf8'), summary: readFileSync(summary, 'utf8') };
}

describe('--allow-nothing', () => {
  it('makes an image without anything to index a success', async () => {
    const words = ['convert', '--min-layer-size', '1GiB', image, `oci:${folder}/none:v1`];
    expect((await runCli(words)).code).toBe(3);
    expect((await runCli([...words, '--allow-nothing'])).code).toBe(0);
  });
});

describe('--result-file', () => {
  it('has the outcome, digest, tag and name of the new image', async () => {
    const destination = `oci:${join(folder, 'new')}:v1-soci`;
    const { run, result } = await runWithFiles('convert', [...all, image, destination]);
    const [{ root }] = jsonLines<{ root: { digest: string } }>(run) as [{ root: { digest: string } }];
    expect(result.split('\n')).toEqual([
      'SOCI_RESULT_OUTCOME=indexed',
      `SOCI_RESULT_DIGEST=${root.digest}`,
      'SOCI_RESULT_TAG=v1-soci',
      `SOCI_RESULT_IMAGE=${destination}`,
      '',
    ]);
  });

  it('has only the outcome if there is nothing to index', async () => {
    const { run, result } = await runWithFiles('convert', ['--min-layer-size', '1GiB', image, `oci:${folder}/none:v1`]);
    expect(run.code).toBe(3);
    expect(result).toBe(
      'SOCI_RESULT_OUTCOME=nothing-to-index\nSOCI_RESULT_DIGEST=\nSOCI_RESULT_TAG=\nSOCI_RESULT_IMAGE=\n',
    );
  });

  it('is appended to, so that several images and other programs can use one file', async () => {
    const file = join(folder, 'shared');
    for (const tag of ['a', 'b']) {
      await runCli(['convert', '--result-file', file, ...all, image, `oci:${join(folder, 'shared-layout')}:${tag}`]);
    }
    expect(readFileSync(file, 'utf8').match(/^SOCI_RESULT_TAG=.*$/gm)).toEqual([
      'SOCI_RESULT_TAG=a',
      'SOCI_RESULT_TAG=b',
    ]);
  });

  it('has no value that a shell would run or split', async () => {
    const { result } = await runWithFiles('convert', [...all, image, `oci:${join(folder, '$(id) x')}:v1`]);
    expect(result).toContain('\nSOCI_RESULT_IMAGE=\n');
    expect(result).toContain('\nSOCI_RESULT_TAG=v1\n');
  });

  it('has the first index of an unchanged image', async () => {
    const { run, result } = await runWithFiles('create', [...all, image, `oci:${join(folder, 'v1')}:v1`]);
    const [{ indexes }] = jsonLines<{ indexes: { digest: string }[] }>(run) as [{ indexes: { digest: string }[] }];
    expect(result).toContain(`SOCI_RESULT_DIGEST=${indexes[0]?.digest}\n`);
  });

  it('fails before an image is read if the file cannot be written', async () => {
    const destination = join(folder, 'not-written');
    mkdirSync(join(folder, 'directory'));
    const words = ['--result-file', join(folder, 'directory'), ...all, image, `oci:${destination}:v1`];
    const run = await runCli(['convert', ...words]);
    expect(run.code).toBe(1);
    expect(run.stderr).toContain(`${join(folder, 'directory')}: is a directory, not a file`);
    expect(() => readFileSync(join(destination, 'index.json'))).toThrow('ENOENT');
  });

  it('is not written in a dry run', async () => {
    const file = join(folder, 'dry');
    await runCli(['convert', '--dry-run', '--result-file', file, ...all, image, `oci:${join(folder, 'dry-image')}:v1`]);
    expect(() => readFileSync(file)).toThrow('ENOENT');
  });
});

describe('--summary-file', () => {
  it('has the image, the digest, the layers and the sizes', async () => {
    const { summary } = await runWithFiles('convert', [...all, image, `oci:${join(folder, 'summary')}:v1`]);
    expect(summary).toMatch(/^### SOCI index of oci:.*multi\n\n\| \| \|\n\|---\|---\|\n\| outcome \| indexed \|\n/);
    expect(summary).toMatch(/^\| digest \| sha256:[0-9a-f]{64} \|$/m);
    expect(summary).toMatch(/^\| layers indexed \| (\d+) of \1 \|$/m);
    expect(summary).toMatch(/^\| size of their zTOCs \| [\d.]+ KiB \|$/m);
    expect(summary).toMatch(/^\| platforms \| linux\/amd64, linux\/arm64\/v8 \|$/m);
    expect(summary).toMatch(/^\| sha256:[0-9a-f]{12} \| .* \| .*KiB \| built \|$/m);
  });

  it('says why a layer was skipped', async () => {
    const { summary } = await runWithFiles('convert', ['--min-layer-size', '1GiB', image, `oci:${folder}/none:v1`]);
    expect(summary).toMatch(/^\| reason \| no-layer-to-index \|$/m);
    expect(summary).toContain('skipped: &#60; 1 GiB');
  });

  it('escapes names, so that none of them is markup', async () => {
    const hostile = 'a`|<img src=x>@everyone\n# title [x](y)';
    const { summary } = await runWithFiles('convert', [...all, image, `oci:${join(folder, hostile)}:v1`]);
    const [row = ''] = /^\| image .*$/m.exec(summary) ?? [];
    expect(row).toContain('&#96;&#124;&#60;img src&#61;x&#62;&#64;everyone');
    expect(summary).not.toMatch(/<img|@everyone|^# title|\]\(/m);
  });
});
