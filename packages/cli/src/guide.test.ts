import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { noise } from '@soci/test-content';
import { temporaryFolder } from '@soci/test-content/vitest';
import { startTestRegistry, type TestRegistry } from '@soci/test-registry';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PROGRAM_OPTIONS } from './command/command.ts';
import { COMMANDS } from './command-table.ts';
import { packImage } from './fixtures/pack-image.ts';
import { runCli } from './fixtures/run-cli.ts';

const FOLDER = new URL('../../../docs/guide/', import.meta.url);

/** Pages of the guide: name, text. */
const PAGES = readdirSync(FOLDER).map((name) => [name, readFileSync(new URL(name, FOLDER), 'utf8')] as const);

const withCommands = PAGES.map(([name, text]) => [name, commandLines(text)] as const).filter(
  ([, lines]) => lines.length > 0,
);

describe.each(withCommands)('the commands of docs/guide/%s', (_, lines) => {
  const folder = temporaryFolder();
  const initialDirectory = process.cwd();
  let registry: TestRegistry;

  // A registry with an indexed image, and one without an index.
  beforeAll(async () => {
    registry = await startTestRegistry({ redirects: true });
    process.chdir(folder);
    const files = { 'usr/bin/app': noise(1 << 20, 1), 'usr/share/data': noise(11 << 20, 2) };
    await packImage(join(folder, 'image'), [files], { Cmd: ['/usr/bin/app'] });
    for (const repository of ['app', 'other']) await registry.loadLayout(repository, join(folder, 'image'), 'v1');
    await runCli(['convert', `${registry.host}/app:v1`, `${registry.host}/app:v1-soci`]);
  });

  afterAll(async () => {
    process.chdir(initialDirectory);
    await registry.stop();
  });

  it.each(lines)(
    '%s',
    async (line) => {
      const [, ...argv] = line.replaceAll("'", '').replaceAll('TAG', 'v1').replaceAll('REPO', 'app').split(' ');
      const run = await runCli(argv.map((word) => word.replace('HOST', registry.host)));
      // 3: nothing to index, or nothing to gain.
      expect([0, 3], run.stderr).toContain(run.code);
    },
    180_000,
  );
});

describe('the commands in the text of the guide', async () => {
  const commands = await Promise.all(COMMANDS.map(({ load }) => load()));
  const quoted = PAGES.flatMap(([, text]) =>
    [...text.matchAll(/`soci-index ([^`]*)`/g)].map(([, words = '']) => words),
  );

  it.each([...new Set(quoted.map((words) => words.replaceAll(/\s+/g, ' ')))])('soci-index %s', (words) => {
    const command = commands
      .toSorted((a, b) => b.name.length - a.name.length)
      .find(({ name }) => `${words} `.startsWith(`${name} `));
    expect(command).toBeDefined();
    const options = Object.keys({ ...command?.options, ...PROGRAM_OPTIONS });
    for (const [, option] of words.matchAll(/--([a-z-]+)/g)) expect(options).toContain(option);
  });
});

describe.each(PAGES.filter(([name]) => name !== 'README.md'))('docs/guide/%s', (name, text) => {
  it('answers a question in its first paragraph, which links to the command that checks the answer', () => {
    const [title, answer] = text.split('\n\n');
    expect(title).toMatch(/^# .*\?$/);
    expect(answer).toMatch(/\]\(\.\.\/cli\.md#/);
  });

  it('is in the table of the guide', () => {
    expect(PAGES.find(([page]) => page === 'README.md')?.[1]).toContain(`](${name})`);
  });

  it('gives each numbered source a mention, and each mention a source', () => {
    const [body = '', sources = ''] = text.split('\n## Sources\n');
    const numbered = [...sources.matchAll(/^(\d+)\. /gm)].map(([, number]) => Number(number));
    const mentions = new Set([...body.matchAll(/ \[(\d+)\]/g)].map(([, number]) => Number(number)));
    expect([...mentions].toSorted((a, b) => a - b)).toEqual(numbered);
    if (numbered.length > 0) expect(sources).toMatch(/[Rr]ead on\s+\d{4}-\d\d-\d\d/);
  });
});

/** Returns the command lines in the `sh` blocks of a page that need no AWS account. */
function commandLines(text: string): string[] {
  return [...text.matchAll(/^ *```sh\n([\s\S]*?)^ *```/gm)]
    .flatMap(([, block = '']) => block.split('\n'))
    .map((line) => line.replace(/\s+#.*$/, '').trim())
    .filter((line) => line.startsWith('soci-index ') && !line.includes('ecs:'));
}
