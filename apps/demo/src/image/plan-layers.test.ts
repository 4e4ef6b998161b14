import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { hasProgram } from '@soci/test-content';
import { temporaryFolder } from '@soci/test-content/vitest';
import { expect, it } from 'vitest';
import { planLayers, treeSize } from './plan-layers.ts';

const folder = temporaryFolder();

/** The libraries of a program are found with ldd, and only on Linux. */
const listsLibraries = process.platform === 'linux' && hasProgram('ldd');

it('plans layers for Node.js, the dependencies of a directory, and this program', async () => {
  const modules = join(folder, 'project', 'node_modules');
  mkdirSync(join(modules, 'package'), { recursive: true });
  mkdirSync(join(modules, '.cache'));
  writeFileSync(join(modules, 'package', 'index.js'), 'export {};');
  writeFileSync(join(modules, '.cache', 'large'), 'x');
  const plans = await planLayers(join(folder, 'project'));
  const base = listsLibraries ? ['system libraries'] : [];
  expect(plans.map(({ title }) => title).slice(0, base.length + 1)).toEqual([...base, `Node ${process.version}`]);
  expect(plans.map(({ entries }) => treeSize(entries)).reduce((a, b) => a + b)).toBeGreaterThan(50e6);
  const dependencies = plans.find(({ title }) => title === 'dependencies');
  expect(dependencies?.entries.filter(({ kind }) => kind === 'file').map(({ name }) => name)).toEqual([
    'app/node_modules/package/index.js',
  ]);
  expect(plans.at(-1)?.entries.map(({ name }) => name)).toContain('app/package.json');
});

it.runIf(listsLibraries)(
  'gives the runtime the system libraries that it needs, each file once (needs Linux with ldd)',
  async () => {
    const [libraries] = await planLayers(folder);
    const names = libraries?.entries.map(({ name }) => name) ?? [];
    expect(new Set(names).size).toBe(names.length);
    const files = libraries?.entries.filter(({ kind }) => kind === 'file') ?? [];
    expect(files.map(({ name }) => name)).toContainEqual(expect.stringMatching(/\/libc\.so\.6$|ld-musl/));
    for (const { name } of files)
      expect(names.indexOf(name)).toBeGreaterThan(names.indexOf(name.replace(/\/[^/]*$/, '')));
  },
);
