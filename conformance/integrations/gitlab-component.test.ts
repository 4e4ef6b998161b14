import { cpSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '@soci/test-content/vitest';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ProgramRun, runProgram, runWell } from '../registries/run-program.ts';
import { hasTools, toolPath } from '../tools/tools.ts';
import { type CiMachine, digestOfTag, ROOT, startCiMachine } from './ci-machine.ts';
import { exampleBelow } from './documents.ts';

const EXAMPLE = exampleBelow('docs/ci.md', 'GitLab', 'yaml');
const IMAGE = '$CI_REGISTRY_IMAGE:$CI_COMMIT_SHORT_SHA';

describe.skipIf(!hasTools('gitlabCiLocal', 'rsync'))('the GitLab component in gitlab-ci-local', () => {
  const folder = temporaryFolder();
  let machine: CiMachine;
  let pipelines = 0;

  beforeAll(async () => {
    machine = await startCiMachine(folder);
  });
  afterAll(() => machine.registry.stop());

  /** Runs a pipeline in a new project, with the variables that GitLab gives a job. Returns what it left in the project. */
  async function runPipeline(configuration: string, variables: Readonly<Record<string, string>> = {}) {
    pipelines += 1;
    const project = join(folder, `project-${pipelines}`);
    cpSync(join(ROOT, 'apps', 'gitlab-component'), project, { recursive: true });
    writeFileSync(join(project, '.gitlab-ci.yml'), configuration);
    const git = (...words: readonly string[]) =>
      runWell('git', ['-C', project, '-c', 'user.name=x', '-c', 'user.email=x@example.com', ...words]);
    await git('init', '--quiet');
    await git('remote', 'add', 'origin', 'git@gitlab.example:team/app.git');
    await git('add', '--all');
    await git('commit', '--quiet', '--message', 'x');
    const { host, credentials } = machine.registry;
    const given = {
      CI_REGISTRY: host,
      CI_REGISTRY_IMAGE: `${host}/team/app`,
      CI_COMMIT_SHORT_SHA: 'v1',
      CI_REGISTRY_USER: credentials.username,
      CI_REGISTRY_PASSWORD: credentials.password,
      ...variables,
    };
    // The job image is not used. A home folder without a login.
    const options = ['--force-shell-executor', '--ignore-predefined-vars', Object.keys(given).join(',')];
    const words = Object.entries(given).flatMap(([name, value]) => ['--variable', `${name}=${value}`]);
    const env = { ...machine.env, HOME: join(folder, 'empty-home') };
    const run = await runProgram(process.execPath, [toolPath('gitlabCiLocal'), ...options, ...words], {
      env,
      cwd: project,
    });
    return { run, artifacts: join(project, '.gitlab-ci-local', 'artifacts', 'soci-index') };
  }

  /** Returns the lines that a job printed. */
  const printed = ({ stdout, stderr }: ProgramRun) => `${stdout}${stderr}`;

  test('logs in as the job, indexes an image, and gives a later job its name and digest', async () => {
    const { run, artifacts } = await runPipeline(EXAMPLE, { SOCI_MIN_LAYER_SIZE: '0' });
    expect(run.code, printed(run)).toBe(0);
    expect(printed(run)).toContain('json schema validated');
    const digest = await digestOfTag(machine, 'v1-soci');
    expect(digest).toMatch(/^sha256:/);
    expect(printed(run)).toContain(`> deploy ${machine.image}-soci (${digest})`);
    expect(readFileSync(join(artifacts, 'soci-summary.md'), 'utf8')).toContain(`| digest | ${digest} |`);
    expect(printed(run)).not.toContain(machine.registry.credentials.password);
  });

  test('succeeds if there is nothing to index, or fails on request', async () => {
    const { run } = await runPipeline(EXAMPLE.replace(IMAGE, `${IMAGE}\n      destination: ${IMAGE}-none`));
    expect(run.code, printed(run)).toBe(0);
    expect(printed(run)).toContain('> deploy  ()');
    const strict = EXAMPLE.replace(IMAGE, `${IMAGE}\n      destination: ${IMAGE}-none\n      allow-nothing: false`);
    expect((await runPipeline(strict)).run.code).toBe(1);
  });

  test('runs with the example of its README, if the component is in the same project', async () => {
    const readme = exampleBelow(
      'apps/gitlab-component/README.md',
      'GitLab component: index an image with SOCI',
      'yaml',
    );
    const local = readme.replace('component: HOST/PROJECT/soci-index@VERSION', 'local: templates/soci-index.yml');
    const { run, artifacts } = await runPipeline(local, { SOCI_MIN_LAYER_SIZE: '0' });
    expect(run.code, printed(run)).toBe(0);
    expect(readFileSync(join(artifacts, 'soci-summary.md'), 'utf8')).toContain('| outcome |');
  });

  test('uses the login of DOCKER_AUTH_CONFIG, too', async () => {
    const { host, credentials } = machine.registry;
    const auth = Buffer.from(`${credentials.username}:${credentials.password}`).toString('base64');
    const { run } = await runPipeline(EXAMPLE, {
      CI_REGISTRY_PASSWORD: 'wrong',
      DOCKER_AUTH_CONFIG: JSON.stringify({ auths: { [host]: { auth } } }),
      SOCI_MIN_LAYER_SIZE: '0',
    });
    expect(run.code, printed(run)).toBe(0);
    expect((await runPipeline(EXAMPLE, { CI_REGISTRY_PASSWORD: 'wrong' })).run.code).toBe(1);
  });

  test('runs nothing of a hostile input', async () => {
    const { run } = await runPipeline(EXAMPLE.replace(IMAGE, `'"; touch ${folder}/HACKED; "'`));
    expect(run.code).toBe(1);
    expect(existsSync(join(folder, 'HACKED'))).toBe(false);
  });

  test('leaves no login behind', async () => {
    const temporary = join(folder, 'tmp');
    await runWell('mkdir', [temporary]);
    const { run } = await runPipeline(EXAMPLE, { TMPDIR: temporary, SOCI_MIN_LAYER_SIZE: '0' });
    expect(run.code, printed(run)).toBe(0);
    expect(readdirSync(temporary).filter((name) => name.startsWith('tmp.'))).toEqual([]);
  });

  test('has no input that is mistyped or missing', async () => {
    const mistyped = await runPipeline(EXAMPLE.replace('image: ', 'imagee: '));
    expect(mistyped.run.code).toBe(1);
  });
});
