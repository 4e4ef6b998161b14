// Real commands in a clone of HEAD, against an npm registry on this machine. Run by `npm run test:release`.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ROOT } from '../setup.mjs';
import { type LocalRegistry, startLocalRegistry } from './local-registry.ts';
import { capture, git, run } from './steps.ts';

const NAMES = ['ztoc', 'oci', 'filter', 'registry', 'index', 'ecr', 'registry-jobs', 'cli', 'construct'].map(
  (name) => `@soci/${name}`,
);
const IDENTITY = ['-c', 'user.name=Test', '-c', 'user.email=test@example.com'];

let folder: string;
let checkout: string;
let registry: LocalRegistry;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'soci-release-test-'));
  checkout = join(folder, 'soci-index-builder');
  registry = await startLocalRegistry(join(folder, 'registry'), '@soci');
});
afterAll(async () => {
  await registry.stop();
  rmSync(folder, { recursive: true });
});

describe('docs/install-from-source.md', () => {
  const page = readFileSync(join(ROOT, 'docs', 'install-from-source.md'), 'utf8');
  const blocks = [...page.matchAll(/^```sh\n(.*?)^```/gms)].map(([, block = '']) => block);
  const start = async (block: string) => run('bash', ['-e', '-c', block], { cwd: folder, env: nodeOnPath() });

  it('builds tarballs in a clone', async () => {
    expect(await start((blocks[0] ?? '').replace('ADDRESS', ROOT))).toContain('dist-packages/soci-cli-');
    await run('git', ['checkout', '--quiet', '-B', 'main'], { cwd: checkout });
    // Publishes and compares here, and nowhere else.
    writeFileSync(join(checkout, '.npmrc'), registry.npmrc);
    writeFileSync(join(checkout, '.git', 'info', 'exclude'), '/.npmrc\n');
  });

  it.each([
    ['the command line', 1, 'soci-index '],
    ['a CDK app', 2, ''],
    ['libraries with npm', 3, 'function'],
    ['libraries with pnpm', 4, 'function'],
  ])('installs %s', async (_, block, expected) => {
    expect(blocks[block]).toBeDefined();
    expect(await start(blocks[block] ?? '')).toContain(expected);
  });
});

describe('npm run release', () => {
  it('stops while the repository and the scope owner are not set, and while changesets are pending', async () => {
    const { code, stderr } = await release();
    expect(code).toBe(1);
    expect(stderr).toContain('"repository" of package.json is not set. Run "npm pkg set repository=');
    expect(stderr).toContain(
      '"release.npmScopeOwner" of package.json is not set. Run "npm pkg set release.npmScopeOwner=',
    );
    expect(stderr).toContain('Changesets are pending: ');
    expect(stderr).toContain('Merge the version pull request');
    expect(await published()).toEqual([]);
  });

  it('stops with uncommitted changes', async () => {
    await run('npm', ['pkg', 'set', 'repository=https://github.com/example/soci-index-builder'], { cwd: checkout });
    await run('npm', ['pkg', 'set', 'release.npmScopeOwner=example'], { cwd: checkout });
    const { code, stderr } = await release();
    expect(code).toBe(1);
    expect(stderr).toContain('The working tree has uncommitted changes');
    expect(stderr).not.toContain('is not set');
    expect(await published()).toEqual([]);
  });

  it('publishes every package, tags it, and writes the assets', async () => {
    await run('npm', ['run', 'release:version'], { cwd: checkout, env: nodeOnPath() });
    await commit('Version packages');
    const { code, stdout, stderr } = await release();
    expect(code, stderr).toBe(0);
    expect(await published()).toEqual(NAMES);
    expect(uploadsIn(stdout)).toEqual(NAMES);
    const tags = (await git(checkout, 'tag', '--list')).split('\n');
    expect(tags.map((tag) => tag.replace(/@[^@]+$/, '')).sort()).toEqual(NAMES.toSorted());
    const sums = await run('sha256sum', ['--check', 'SHA256SUMS'], { cwd: join(checkout, 'dist-release') });
    expect(sums).toContain('generator.cdx.json: OK');
    expect(sums).toMatch(/^soci-index-[\d.]+-linux-x64: OK$/m);
    expect(sums).toMatch(/^soci-index-image-[\d.]+-linux-amd64\.tar: OK$/m);
    const { repository, homepage, bugs } = await packument('@soci/oci');
    expect(repository).toEqual({
      type: 'git',
      url: 'git+https://github.com/example/soci-index-builder.git',
      directory: 'packages/oci',
    });
    expect([homepage, bugs]).toEqual([
      'https://github.com/example/soci-index-builder/tree/HEAD/packages/oci#readme',
      { url: 'https://github.com/example/soci-index-builder/issues' },
    ]);
  });

  it('stops without a changeset since the last release', async () => {
    const { code, stderr } = await release();
    expect(code).toBe(1);
    expect(stderr).toContain('No changeset: every version has a tag');
  });

  it('continues a release that stopped: uploads what is missing', async () => {
    await deleteTags();
    forget('@soci/ecr');
    const { code, stdout, stderr } = await release();
    expect(code, stderr).toBe(0);
    expect(stdout).toContain('dist-release has the packages and assets of this commit');
    expect(uploadsIn(stdout)).toEqual(['@soci/ecr']);
    expect(await published()).toEqual(NAMES);
  });

  it('stops if the registry has a version with other content, and uploads nothing', async () => {
    await deleteTags();
    forget('@soci/ecr');
    writeFileSync(join(checkout, 'packages', 'oci', 'README.md'), '# Changed without a changeset\n');
    await commit('Change a README');
    const { code, stdout, stderr } = await release();
    expect(code).toBe(1);
    expect(stderr).toMatch(/The npm registry has other content as @soci\/oci@\d/);
    expect(uploadsIn(stdout)).toEqual([]);
    expect(await published()).toEqual(NAMES.filter((name) => name !== '@soci/ecr'));
  });
});

/** Runs the real command. */
function release() {
  return capture('npm', ['run', '--silent', 'release'], { cwd: checkout, env: nodeOnPath() });
}

/** Returns an environment with the pinned Node first on PATH, as in a user's checkout. */
function nodeOnPath(): NodeJS.ProcessEnv {
  return { PATH: `${join(ROOT, 'node_modules', '.bin')}:${process.env.PATH}` };
}

async function commit(message: string): Promise<void> {
  await git(checkout, 'add', '--all');
  await git(checkout, ...IDENTITY, 'commit', '--quiet', '-m', message);
}

async function deleteTags(): Promise<void> {
  await git(checkout, 'tag', '--delete', ...(await git(checkout, 'tag', '--list')).split('\n'));
}

/** Removes a package from the registry, as if its upload had not been reached. */
function forget(name: string): void {
  rmSync(join(folder, 'registry', 'storage', name), { recursive: true });
}

const packument = async (name: string) => {
  const response = await fetch(registry.url + name.replace('/', '%2f'));
  const { versions } = (await response.json()) as { versions?: Record<string, Record<string, unknown>> };
  return Object.values(versions ?? {})[0] ?? {};
};

/** Returns the packages that the registry has, in the order of {@link NAMES}. */
async function published(): Promise<string[]> {
  const found = await Promise.all(NAMES.map(async (name) => (await packument(name)).name === name));
  return NAMES.filter((_, i) => found[i]);
}

const uploadsIn = (output: string) => [...output.matchAll(/^publishing (.+)@/gm)].map(([, name]) => name);
