import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startTestRegistry } from '@soci/test-registry';
import {
  EXAMPLE_NAMES,
  firstExample,
  type Project,
  runAppExample,
  runConsoleExample,
  runExample,
  runShellExample,
  synthesize,
} from './readme-examples.ts';
import { run, step } from './steps.ts';

const CONSTRUCT = '@soci/construct';
const PROJECTS: Readonly<Record<string, Project['format']>> = { 'ES module': 'esm', CommonJS: 'cjs' };
const NPM_INSTALL = ['install', '--no-audit', '--no-fund', '--loglevel=error'];

/** What the root README's fragment of a CDK app leaves out. */
const APP = `import { App, Stack } from 'aws-cdk-lib';\nconst stack = new Stack(new App(), 'Images');\n`;

/** Source of the packages, and the folder for the projects that try them. */
export interface Trial {
  /** Empty folder for the projects. */
  readonly folder: string;
  /** The checkout that the packages were built in. */
  readonly checkout: string;
  /** Names of the published packages. */
  readonly names: readonly string[];
  /** An .npmrc that says where the packages are. */
  readonly npmrc: string;
}

/**
 * Installs the published packages into empty projects with npm, and runs the first example of each README there.
 *
 * @returns How many examples ran.
 * @throws Error if an example fails.
 */
export async function tryPackages(trial: Trial): Promise<number> {
  const { checkout, names } = trial;
  const readme = readFileSync(join(checkout, 'README.md'), 'utf8');
  const registry = await startTestRegistry({ autoCreate: true });
  let count = 0;
  const example = async (label: string, runIt: () => Promise<void>) => {
    await step(`  ${label}`, runIt);
    count++;
  };
  try {
    for (const [kind, format] of Object.entries(PROJECTS)) {
      const folder = makeProject(trial, format, format === 'esm' ? 'module' : 'commonjs');
      const libraries = names.filter((name) => name !== CONSTRUCT);
      await step(`installing into an empty ${kind} project`, () =>
        run('npm', [...NPM_INSTALL, ...libraries], { cwd: folder }),
      );
      const project = { folder, format };
      for (const name of EXAMPLE_NAMES) {
        const code = firstExample(name === 'README.md' ? readme : packedReadme(folder, name), 'ts', 'export ');
        await example(name, () => runExample(name, code, project, registry));
      }
      if (format === 'cjs') continue; // The program is the same.
      const console = firstExample(packedReadme(folder, '@soci/cli'), 'console');
      await example('@soci/cli', () => runConsoleExample(console, project, registry));
      const shell = firstExample(readme, 'sh', 'soci-index ');
      await example('README.md, command line', () => runShellExample(shell, project, registry));
    }
  } finally {
    await registry.stop();
  }
  const app = makeProject(trial, 'cdk', 'module');
  const packages = [CONSTRUCT, 'aws-cdk-lib', 'constructs'];
  await step('installing into an empty CDK app', () => run('npm', [...NPM_INSTALL, ...packages], { cwd: app }));
  await example(CONSTRUCT, () => runAppExample(firstExample(packedReadme(app, CONSTRUCT), 'ts'), app, 'construct'));
  await example('README.md, CDK', () => runAppExample(APP + firstExample(readme, 'ts', CONSTRUCT), app, 'readme'));

  // Its package.json names a version, which must be the one that was published.
  const copy = makeProject(trial, 'example-cdk-app', 'module');
  cpSync(join(checkout, 'examples', 'cdk-app'), copy, { recursive: true });
  await step('installing examples/cdk-app', () => run('npm', NPM_INSTALL, { cwd: copy }));
  await example('examples/cdk-app', () => synthesize(copy, join(copy, 'app.mjs')));
  return count;
}

function makeProject({ folder, npmrc }: Trial, name: string, type: string): string {
  const project = join(folder, name);
  mkdirSync(project, { recursive: true });
  writeFileSync(join(project, 'package.json'), JSON.stringify({ private: true, type }));
  writeFileSync(join(project, '.npmrc'), npmrc);
  return project;
}

const packedReadme = (folder: string, name: string) =>
  readFileSync(join(folder, 'node_modules', name, 'README.md'), 'utf8');
