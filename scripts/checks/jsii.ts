// The API of the construct is one that jsii can give to other languages: a copy of its sources is compiled by jsii. What jsii has
// read of it becomes packages/construct/API.md.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { report } from '../report.ts';
import { type Assembly, writeApiReference } from '../workspace/api-reference.ts';
import { ROOT, readManifest } from '../workspace/packages.ts';

const CONSTRUCT = join(ROOT, 'packages', 'construct');
const REFERENCE = join(CONSTRUCT, 'API.md');
/** What the sources import, of their own or of others. */
const LINKED = ['aws-cdk-lib', 'constructs', '@soci/functions', '@types/node'];

const folder = mkdtempSync(join(tmpdir(), 'soci-jsii-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));

cpSync(join(CONSTRUCT, 'src'), join(folder, 'src'), {
  recursive: true,
  filter: (path) => !path.endsWith('.test.ts') && !path.endsWith('fixtures'),
});
cpSync(join(CONSTRUCT, 'README.md'), join(folder, 'README.md'));
for (const name of LINKED) {
  const link = join(folder, 'node_modules', name);
  mkdirSync(dirname(link), { recursive: true });
  symlinkSync(join(CONSTRUCT, 'node_modules', name), link);
}
const own: object = readManifest(CONSTRUCT);
const manifest = {
  ...own,
  // What npm does with it is of no account here.
  exports: undefined,
  publishConfig: undefined,
  // What jsii asks of a package that is released by it; this one is not.
  author: { name: 'the authors' },
  repository: { type: 'git', url: 'https://example.com/soci.git' },
  main: 'lib/index.js',
  types: 'lib/index.d.ts',
  stability: 'stable',
  jsii: { outdir: 'dist', targets: {}, tsc: { rootDir: 'src', outDir: 'lib', types: ['node'] } },
};
writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest));

const jsii = join(CONSTRUCT, 'node_modules', 'jsii', 'bin', 'jsii');
const { status, stdout, stderr } = spawnSync(process.execPath, [jsii, '--silence-warnings=reserved-word'], {
  cwd: folder,
  encoding: 'utf8',
});
// It also says that the lowest peers should be those that it was developed with: check `synthesised` has the lowest.
const problems = status === 0 ? [] : [`${stdout}${stderr}`];
report('API of @soci/construct by jsii', problems);

if (status === 0) {
  const assembly = JSON.parse(readFileSync(join(folder, '.jsii'), 'utf8')) as Assembly;
  const reference = writeApiReference(assembly, '@soci/construct');
  const isCurrent = existsSync(REFERENCE) && readFileSync(REFERENCE, 'utf8') === reference;
  // Written in any case, so that whoever has changed the API finds it changed.
  if (!isCurrent) writeFileSync(REFERENCE, reference);
  report(
    'reference of that API',
    isCurrent ? [] : ['packages/construct/API.md was not of the sources: it is written anew, commit it'],
  );
}
