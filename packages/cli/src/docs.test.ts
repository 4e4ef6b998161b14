import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { goldenLayerPath, goldenLayoutPath } from '@soci/test-content';
import { temporaryFolder } from '@soci/test-content/vitest';
import { startTestRegistry, type TestRegistry } from '@soci/test-registry';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { loadAllOptions } from './command/command.ts';
import { variableOf } from './command/option.ts';
import { COMMANDS } from './command-table.ts';
import { consoleExamples, normalizeOutput } from './fixtures/console-examples.ts';
import { runCli } from './fixtures/run-cli.ts';

// Results include the version of the tool, so the documented digests depend on it.
vi.mock('../../index/src/version.ts', () => ({ TOOL_VERSION: '0.0.0' }));

const DOCUMENTS = {
  'docs/cli.md': new URL('../../../docs/cli.md', import.meta.url),
  'docs/doctor.md': new URL('../../../docs/doctor.md', import.meta.url),
  'docs/profiles.md': new URL('../../../docs/profiles.md', import.meta.url),
  'README.md': new URL('../README.md', import.meta.url),
};

/** Host of the registry in the documents. */
const DOCUMENTED_HOST = 'localhost:5000';

describe.each(Object.entries(DOCUMENTS))('the examples of %s', (_, url) => {
  const folder = temporaryFolder();
  const initialDirectory = process.cwd();
  let registry: TestRegistry;

  beforeAll(async () => {
    registry = await startTestRegistry({ redirects: true });
    await registry.loadLayout('app', goldenLayoutPath('single-oci'), 'v1');
    // The files that docs/cli.md describes: an image v1 in a layout, an image with only small layers, two layers, a profile.
    cpSync(goldenLayoutPath('single-oci'), join(folder, 'app'), { recursive: true });
    const indexFile = join(folder, 'app', 'index.json');
    const index = JSON.parse(readFileSync(indexFile, 'utf8')) as { manifests: object[] };
    const manifests = index.manifests.map((each) => ({
      ...each,
      annotations: { 'org.opencontainers.image.ref.name': 'v1' },
    }));
    writeFileSync(indexFile, JSON.stringify({ ...index, manifests }));
    cpSync(goldenLayerPath('gzip-level6.tar.gz'), join(folder, 'layer.tar.gz'));
    cpSync(goldenLayerPath('pax-xattrs.tar.gz'), join(folder, 'other.tar.gz'));
    cpSync(goldenLayoutPath('small-layers'), join(folder, 'small'), { recursive: true });
    writeFileSync(join(folder, 'start.txt'), '# what the start reads\n/block512\n/block513\n');
    process.chdir(folder);
  });

  afterAll(async () => {
    process.chdir(initialDirectory);
    await registry.stop();
  });

  it.each(consoleExamples(readFileSync(url, 'utf8')))('$command', async ({ command, output }) => {
    const [program, ...argv] = command.replaceAll(DOCUMENTED_HOST, registry.host).split(' ');
    expect(program).toBe('soci-index');
    const run = await runCli([...argv, '--jobs', '1'].slice(0, hasJobsOption(argv) ? undefined : -2));
    // Successful runs print progress to standard error, which the documents omit. Failed runs print the error there.
    const printed = ([0, 3, 4].includes(run.code) ? run.stdout : run.stderr).replaceAll(registry.host, DOCUMENTED_HOST);
    expect(normalizeOutput(printed)).toBe(normalizeOutput(output));
  });
});

describe('docs/cli.md', async () => {
  const text = readFileSync(fileURLToPath(DOCUMENTS['docs/cli.md']), 'utf8');

  const registryOptions = text.split('\n## Registry options')[1]?.split(/^## /m)[0] ?? '';

  it.each(await Promise.all(COMMANDS.map(({ load }) => load())))(
    'documents $name and all of its options',
    ({ name, options }) => {
      const [, section = ''] = text.split(new RegExp(`^## \`${name}[ \`]`, 'm'));
      const commandSection = section.split(/^## /m)[0] ?? '';
      expect(commandSection).not.toBe('');
      const shared = commandSection.includes('[options of `convert`]')
        ? (text.split('### Options of `convert`')[1] ?? '')
        : '';
      const registries = commandSection.includes('(#registry-options)') || shared !== '' ? registryOptions : '';
      for (const option of Object.keys(options)) expect(commandSection + shared + registries).toContain(`--${option}`);
    },
  );
});

describe('the environment variables of docs/cli.md', () => {
  it('are those of all options', async () => {
    const text = readFileSync(fileURLToPath(DOCUMENTS['docs/cli.md']), 'utf8');
    const [, section = ''] = text.split('\n## Environment variables');
    const rows = section.split(/^## /m)[0]?.matchAll(/^\| `(SOCI_[A-Z0-9_]+)` \| `--([a-z0-9-]+)` \|/gm) ?? [];
    const documented = [...rows].map(([, variable, option]) => `${variable} --${option}`);
    const options = Object.keys(await loadAllOptions(COMMANDS));
    const expected = options.flatMap((name) => (variableOf(name) ? [`${variableOf(name)} --${name}`] : []));
    expect(documented.toSorted()).toEqual(expected.toSorted());
  });
});

function hasJobsOption([name = '']: readonly string[]): boolean {
  return name === 'convert' || name === 'create';
}
