import { cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '@soci/test-content/vitest';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { readTarball } from '../../../scripts/release/tarball.ts';
import { hasTools } from '../../tools/tools.ts';
import { ROOT } from '../ci-machine.ts';
import { exampleBelow } from '../documents.ts';
import { CdkApps, readTemplate } from './cdk-apps.ts';

const README = 'packages/construct/README.md';
const FROM_SOURCE = 'docs/install-from-source.md';
const FIXTURES = join(import.meta.dirname, 'fixtures');
/** For each test, in milliseconds: Maven and pip may download the CDK, which has 160 MB. */
const TIMEOUT = 600_000;

vi.setConfig({ testTimeout: TIMEOUT });

const folder = temporaryFolder();
let apps: CdkApps;
/** Templates of the apps in JavaScript. */
let ofExample: string;
let ofReadme: string;

beforeAll(async () => {
  apps = await CdkApps.pack(folder);
  // The documented commands run in the folder of a clone.
  const clone = join(folder, 'soci-index-builder');
  mkdirSync(clone);
  symlinkSync(join(ROOT, 'examples'), join(clone, 'examples'));
  symlinkSync(folder, join(clone, 'dist-packages'));
  ofExample = await apps.synthesizeScript('ts', readFileSync(join(ROOT, 'examples', 'cdk-app', 'app.mjs'), 'utf8'));
  const readme = exampleBelow(README, '@soci/construct', 'ts');
  ofReadme = await apps.synthesizeScript('readme', readme);
}, TIMEOUT);

describe.skipIf(!hasTools('nodeCdk', 'pythonCdk'))('Python', () => {
  // The environment is cached, and may have the package of an earlier run.
  const pip = async (...args: readonly string[]) => {
    const { code, text } = await apps.print(folder, 'pip', '--quiet', ...args);
    expect(code, text).toBe(0);
  };

  test('the three commands of the README give the template of its first example', async () => {
    const app = join(folder, 'three-commands');
    mkdirSync(app);
    await pip('uninstall', '--yes', 'soci-construct');
    const { code, text } = await apps.print(app, 'sh', '-e', '-c', exampleBelow(README, 'Python', 'sh'));
    expect(code, text).toBe(0);
    expect(readTemplate(app)).toBe(ofReadme);
  });

  test('the documented example from source gives the template of the TypeScript example, byte for byte', async () => {
    await pip('uninstall', '--yes', 'soci-construct');
    const { code, text } = await apps.print(folder, 'sh', '-e', '-c', exampleBelow(FROM_SOURCE, 'Python', 'sh'));
    expect(code, text).toBe(0);
    expect(readTemplate(join(folder, 'my-python-app'))).toBe(ofExample);
  });

  test('the tarball in the wheel has what Construct Hub reads', async () => {
    const [wheel = ''] = readdirSync(join(folder, 'python'));
    await apps.print(folder, 'python3', '-m', 'zipfile', '-e', join('python', wheel), 'wheel');
    const tarball = join(folder, 'wheel', 'soci_construct', '_jsii', `construct@${apps.version}.jsii.tgz`);
    const files = new Map(readTarball(readFileSync(tarball)).map(({ name, content }) => [name, content.toString()]));
    const { name, version, license, ...manifest } = JSON.parse(files.get('package.json') ?? '{}');
    expect(name).toBe('@soci/construct');
    expect(JSON.parse(files.get('.jsii') ?? '{}')).toMatchObject({ name, version, license });
    expect(Object.keys(manifest.jsii.targets)).toEqual(expect.arrayContaining(['python', 'java', 'go']));
    expect(manifest.keywords).toContain('aws-cdk');
  });

  test('wrong values are errors that name the argument', async () => {
    const { text } = await apps.print(folder, 'python3', join(FIXTURES, 'wrong_values.py'));
    expect(text.trim().split('\n')).toEqual([
      expect.stringMatching(/^TypeError: type of argument memory_size must be one of \(int, float, NoneType\)/),
      'TypeError: type of argument memory_size must be a number; got nan instead',
      'TypeError: type of argument memory_size must be a number; got True instead',
      "TypeError: type of argument filters must be a list; got str instead: use ['prod/*:*']",
      "TypeError: type of argument filters must be a list; got tuple instead: use ['prod/*:*']",
      'TypeError: type of argument repositories must be a list; got str instead: use a list of aws_cdk.aws_ecr.IRepository',
      'TypeError: type of argument event_bus must be aws_cdk.aws_events.IEventBus; got str instead: use an object, not its name or ARN',
      expect.stringMatching(/^TypeError: type of argument filters\[1\] must be str; got int instead/),
      expect.stringMatching(/^TypeError: type of argument timeout must be one of \(.*Duration, NoneType\); got int/),
      expect.stringMatching(
        /^TypeError: type of argument index_version must be one of \(.*SociIndexVersion, NoneType\)/,
      ),
      expect.stringMatching(/^TypeError: .*missing 1 required keyword-only argument: 'repository'/),
      expect.stringMatching(/^TypeError: .*unexpected keyword argument 'filter'/),
      expect.stringMatching(/^RuntimeError: Images\/Small: memorySize: 5 is not between 256 and 10240 MB/),
    ]);
  });
});

// The tests of Java and Go run at the same time: Maven uses one processor.
describe.skipIf(!hasTools('nodeCdk', 'maven'))('Java', { concurrent: true }, () => {
  const maven = () => ['--batch-mode', '--quiet', `-Dsoci.version=${apps.version}`, 'compile'];

  test('the documented example from source gives the template of the TypeScript example, byte for byte', async () => {
    const commands = exampleBelow(FROM_SOURCE, 'Java', 'sh').replace('=0.0.0 ', `=${apps.version} `);
    const { code, text } = await apps.print(folder, 'sh', '-e', '-c', commands);
    expect(code, text).toBe(0);
    expect(readTemplate(join(folder, 'my-java-app'))).toBe(ofExample);
  });

  test('a wrong value is an error at synthesis, and a wrong type an error of the compiler', async () => {
    const app = apps.copyExample('cdk-app-java', 'wrong-java');
    cpSync(join(FIXTURES, 'WrongValue.java'), join(app, 'src', 'main', 'java', 'WrongValue.java'));
    const wrongValue = await apps.print(app, 'mvn', ...maven(), 'exec:java', '-Dexec.mainClass=WrongValue');
    expect(wrongValue.code).not.toBe(0);
    expect(wrongValue.text).toContain('Images/Small: memorySize: 5 is not between 256 and 10240 MB');
    cpSync(join(FIXTURES, 'WrongType.java'), join(app, 'src', 'main', 'java', 'WrongType.java'));
    const wrongType = await apps.print(app, 'mvn', ...maven());
    expect(wrongType.code).not.toBe(0);
    expect(wrongType.text).toContain('String cannot be converted to java.util.List<java.lang.String>');
  });
});

test.skipIf(!hasTools('nodeCdk', 'go'))(
  'Go: the documented app from source gives the template of the first example of the README, byte for byte',
  { concurrent: true },
  async () => {
    const { code, text } = await apps.print(folder, 'sh', '-e', '-c', exampleBelow(FROM_SOURCE, 'Go', 'sh'));
    expect(code, text).toBe(0);
    expect(readTemplate(join(folder, 'my-go-app'))).toBe(ofReadme);
  },
);
