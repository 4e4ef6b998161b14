import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '@soci/test-content/vitest';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type CiMachine, digestOfTag, ROOT, startCiMachine } from './ci-machine.ts';
import { type BuildRun, runBuild } from './codebuild.ts';

const BUILDSPEC = join(ROOT, 'apps', 'codebuild', 'buildspec.yml');

const folder = temporaryFolder();
let machine: CiMachine;
let builds = 0;

beforeAll(async () => {
  machine = await startCiMachine(folder);
});
afterAll(() => machine.registry.stop());

function build(variables: Readonly<Record<string, string>>): Promise<BuildRun> {
  builds += 1;
  const sources = join(folder, `sources-${builds}`);
  mkdirSync(sources);
  return runBuild(BUILDSPEC, sources, { ...machine.env, ...variables });
}

describe('the buildspec of AWS CodeBuild', () => {
  test('indexes an image, exports its name and digest, and has a summary as an artifact', async () => {
    const run = await build({ IMAGE: machine.image, SOCI_MIN_LAYER_SIZE: '0' });
    expect(run.code, run.stderr).toBe(0);
    const digest = await digestOfTag(machine, 'v1-soci');
    expect(run.exported).toEqual({
      SOCI_RESULT_OUTCOME: 'indexed',
      SOCI_RESULT_DIGEST: digest,
      SOCI_RESULT_TAG: 'v1-soci',
      SOCI_RESULT_IMAGE: `${machine.image}-soci`,
    });
    expect(run.artifacts.map((path) => readFileSync(path, 'utf8')).join()).toContain(`| digest | ${digest} |`);
  });

  test('succeeds if there is nothing to index, or fails on request', async () => {
    const variables = { IMAGE: machine.image, DESTINATION: `${machine.image}-none` };
    const run = await build(variables);
    expect(run.code, run.stderr).toBe(0);
    expect(run.exported.SOCI_RESULT_OUTCOME).toBe('nothing-to-index');
    expect((await build({ ...variables, SOCI_ALLOW_NOTHING: 'false' })).code).toBe(3);
  });

  test('runs nothing of a hostile image', async () => {
    const { code } = await build({ IMAGE: `"; touch ${folder}/HACKED; $(touch ${folder}/HACKED)` });
    expect(code).not.toBe(0);
    expect(existsSync(join(folder, 'HACKED'))).toBe(false);
  });
});
