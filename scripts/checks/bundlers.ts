// Runs the settings of docs/bundling.md unchanged with the packed packages. The bundles run without node_modules.
import assert from 'node:assert/strict';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { delimiter, join } from 'node:path';
import { goldenLayerPath, goldenLayoutPath, readGoldenLayers, readGoldenRuns } from '@soci/test-content';
import { startTestRegistry } from '@soci/test-registry';
import { transformSync } from 'esbuild';
import { cachedTools } from '../release/local-registry.ts';
import { packPackages } from '../release/pack.ts';
import { firstExample } from '../release/readme-examples.ts';
import { capture, run } from '../release/steps.ts';
import { type Finding, makeTemporaryFolder, ROOT } from '../workspace/packages.ts';
import { makeApp } from './installed.ts';

const WEBPACK = '5.113.0';

const BIN = join(ROOT, 'node_modules', '.bin');
const PATH = [BIN, process.env.PATH].join(delimiter);

/** The function that is bundled: it converts an image in an ECR registry with the credentials of the environment. */
const HANDLER = `
import { ecrRegistryOptions } from '@soci/ecr';
import { indexImage } from '@soci/index';
import { openRegistry } from '@soci/registry';

export async function handler({ host, endpoint, path, options }) {
  const aws = { endpoint, registry: { host, account: '123456789012', region: 'us-east-1' } };
  const registry = openRegistry(host, ecrRegistryOptions(host, { aws }));
  const store = registry.repository(path);
  const { root } = await indexImage({ store, reference: 'v1' }, { store, tag: 'v1-soci' }, options);
  registry.close();
  return root.digest;
}
`;

/** Runs a bundle. Prints the digest of the result, and how many worker threads started. */
const DRIVER = `
let threads = 0;
process.on('worker', (worker) => {
  worker.on('message', ({ type }) => (threads += type === 'loaded' ? 1 : 0));
});
const [, , file, input] = process.argv;
import(file)
  .then((bundle) => (bundle.handler ?? bundle.default.handler)(JSON.parse(input)))
  .then((digest) => console.log(JSON.stringify({ digest, threads })));
`;

/** A script of a web page. */
const PAGE_SCRIPT = `
import { digestOf } from '@soci/oci';
import { MemoryStore } from '@soci/oci/memory';
import { buildZtoc } from '@soci/ztoc';

globalThis.page = async (layer) => {
  new MemoryStore();
  const { bytes } = await buildZtoc([layer], { spanSize: 65536 });
  return { layer: digestOf(layer), ztoc: digestOf(bytes) };
};
`;

/** Checks that the documented settings of bundlers produce bundles that run. */
export async function bundlers(): Promise<Finding[]> {
  const names = ['ecr', 'index', 'oci', 'registry', 'ztoc'].map((name) => `@soci/${name}`);
  const app = makeApp(
    packPackages()
      .filter(({ unit }) => names.includes(unit.name))
      .map(({ tarball }) => tarball),
  );
  const tools = await cachedTools(`webpack-${WEBPACK}`, [`webpack@${WEBPACK}`]);
  for (const name of ['esbuild', 'vite']) link(join(ROOT, 'node_modules', name), app, name);
  for (const name of ['aws-cdk-lib', 'constructs']) {
    link(join(ROOT, 'packages', 'construct', 'node_modules', name), app, name);
  }
  link(join(tools, 'webpack'), app, 'webpack');
  writeFileSync(join(app, 'handler.ts'), HANDLER);
  writeFileSync(join(app, 'handler.js'), HANDLER);
  writeFileSync(join(app, 'driver.cjs'), DRIVER);

  const page = readFileSync(join(ROOT, 'docs', 'bundling.md'), 'utf8');
  /** Returns the first code block in a language below a heading. */
  const setting = (heading: string, language: string) =>
    firstExample(page.split(`\n## ${heading}\n`)[1]?.split('\n## ')[0] ?? '', language);
  const registry = await startTestRegistry({ ecr: true, auth: 'ecr', autoCreate: true });
  const findings: Finding[] = [];
  const moved = makeTemporaryFolder('bundles');
  const report = async (subject: string, findProblems: () => Promise<readonly string[]>) => {
    const started = performance.now();
    const problems = await findProblems().catch((error: Error) => [error.message]);
    findings.push({ subject: `${subject}, ${secondsSince(started)} s`, problems });
  };
  /** Moves a bundle away from node_modules and runs it. */
  const runBundle = async (output: string, path: string, threads: number, env: NodeJS.ProcessEnv) => {
    const folder = join(moved, path);
    cpSync(output, folder, { recursive: true });
    await registry.loadLayout(path, goldenLayoutPath(LAYOUT), 'v1');
    const input = { host: registry.host, endpoint: registry.awsEndpoint, path, options: OPTIONS };
    const file = ['index.mjs', 'index.js'].map((name) => join(folder, name)).find(existsSync) ?? folder;
    const { code, stdout, stderr } = await capture(
      process.execPath,
      [join(app, 'driver.cjs'), file, JSON.stringify(input)],
      {
        cwd: folder,
        env: { HOME: folder, AWS_ACCESS_KEY_ID: 'id', AWS_SECRET_ACCESS_KEY: 'key', ...env },
      },
    );
    const expected = `${JSON.stringify({ digest: EXPECTED, threads })}\n`;
    return code === 0 && stdout === expected ? [] : [`exited with ${code}, expected ${expected}${stdout}${stderr}`];
  };
  const check = (subject: string, threads: number, build: () => Promise<string>, env: NodeJS.ProcessEnv = {}) =>
    report(`${subject}, ${threads} worker threads`, async () =>
      runBundle(await build(), `app-${findings.length}`, threads, env),
    );
  const dist = (name: string) => {
    renameSync(join(app, 'dist'), join(app, name));
    return join(app, name);
  };
  const shell = async (line: string) => run('sh', ['-c', line], { cwd: app, env: { PATH } });
  const script = async (name: string, code: string) => {
    writeFileSync(join(app, name), code);
    await run(process.execPath, [name], { cwd: app, env: { PATH } });
  };
  try {
    await check('esbuild, CommonJS', 0, async () => {
      await shell(setting('esbuild, CommonJS', 'sh'));
      return dist('cjs');
    });
    await check('esbuild, CommonJS with the script of the threads', 2, async () => {
      await script('cjs.mjs', setting('esbuild, CommonJS', 'js'));
      return dist('cjs-threads');
    });
    await check('esbuild, ES module', 2, async () => {
      await script('esm.mjs', setting('esbuild, ES module', 'js'));
      return dist('esm');
    });
    await report('esbuild, ES module without mainFields: fails with the cause and a remedy', async () => {
      await script('esm-main.mjs', without(setting('esbuild, ES module', 'js'), "mainFields: ['module', 'main'],"));
      const output = (await runBundle(dist('esm-main'), 'app-main', 0, {})).join();
      assert.match(
        output,
        /cannot load the AWS SDK: Dynamic require .* see "Bundling"[\s\S]*\[cause\]: Error: Dynamic/,
      );
      return [];
    });
    const synthesize = async (name: string, stack: string) => {
      const code = `${stack}\nimport { App } from 'aws-cdk-lib';\nnew FunctionStack(new App({ outdir: '${name}' }), 'Stack');`;
      await script(`${name}.mjs`, transformSync(code, { loader: 'ts', format: 'esm', target: 'node22' }).code);
      const asset = readdirSync(join(app, name)).find((entry) => entry.startsWith('asset.'));
      return join(app, name, asset ?? '');
    };
    const cdk = setting('NodejsFunction', 'ts');
    await check('NodejsFunction', 0, () => synthesize('cdk', cdk));
    // The Lambda runtime has the SDK on NODE_PATH.
    const defaults = without(cdk, 'bundling: { externalModules: [] },');
    await check('NodejsFunction with defaults', 0, () => synthesize('cdk-defaults', defaults), {
      NODE_PATH: join(app, 'node_modules'),
    });
    await check('NodejsFunction, ES module', 2, () =>
      synthesize('cdk-esm', setting('NodejsFunction, ES module', 'ts')),
    );
    await check('webpack 5', 2, async () => {
      writeFileSync(join(app, 'webpack.config.cjs'), setting('webpack 5', 'js'));
      await script('webpack.cjs', WEBPACK_SCRIPT);
      return dist('webpack');
    });
  } finally {
    await registry.stop();
  }
  return [...findings, await checkPage(app, setting('Vite', 'sh'))];
}

const LAYOUT = 'single-oci';
const SPAN_SIZE = 65536;
const OPTIONS = { compat: 'soci-cli', spanSize: SPAN_SIZE, minLayerSize: 0, jobs: 2 };
const EXPECTED = readGoldenRuns()[LAYOUT]?.find(
  ({ run: { v, span, min, xattr, prefetch } }) =>
    v === 2 && span === SPAN_SIZE && min === 0 && !xattr && prefetch.length === 0,
)?.printed?.[0]?.digest;

/** Fails on warnings, too. */
const WEBPACK_SCRIPT = `
require('webpack')(require('./webpack.config.cjs'), (error, stats) => {
  if (!error && !stats.hasErrors() && !stats.hasWarnings()) return;
  console.error(error ?? stats.toString());
  process.exitCode = 1;
});
`;

/** Runs the script of the page, with what browsers have and Vite needs, but without the globals of Node.js. */
const PAGE_DRIVER = `
import { readFileSync } from 'node:fs';
const [, , file, layer] = process.argv;
const bytes = new Uint8Array(readFileSync(layer));
globalThis.document = { createElement: () => ({ relList: { supports: () => true } }) };
delete globalThis.process;
delete globalThis.Buffer;
await import(file);
console.log(JSON.stringify(await globalThis.page(bytes)));
`;

const LAYER = 'gzip-level6.tar.gz';

/** Checks that Vite builds a web page whose script computes the digests of a golden layer and its zTOC. */
async function checkPage(app: string, command: string): Promise<Finding> {
  const started = performance.now();
  const folder = join(app, 'page');
  mkdirSync(folder);
  writeFileSync(join(folder, 'index.html'), '<script type="module" src="/main.js"></script>');
  writeFileSync(join(folder, 'main.js'), PAGE_SCRIPT);
  writeFileSync(join(folder, 'driver.mjs'), PAGE_DRIVER);
  const problems: string[] = [];
  try {
    await run('sh', ['-c', command], { cwd: folder, env: { PATH } });
    const assets = join(folder, 'dist', 'assets');
    const scripts = readdirSync(assets).filter((name) => name.endsWith('.js'));
    const args = ['driver.mjs', join(assets, scripts[0] ?? ''), goldenLayerPath(LAYER)];
    const printed = await run(process.execPath, args, { cwd: folder });
    const { sha256, ztocs } = readGoldenLayers()[LAYER] ?? {};
    const expected = `${JSON.stringify({ layer: `sha256:${sha256}`, ztoc: ztocs?.[SPAN_SIZE]?.digest })}\n`;
    if (printed !== expected) problems.push(`printed ${printed} instead of ${expected}`);
  } catch (error) {
    problems.push((error as Error).message);
  }
  return { subject: `Vite, web page, ${secondsSince(started)} s`, problems };
}

/** Returns a setting without one of its lines. */
function without(setting: string, line: string): string {
  assert.ok(setting.includes(line), `docs/bundling.md has no line "${line}"`);
  return setting.replace(line, '');
}

function secondsSince(started: number): string {
  return ((performance.now() - started) / 1000).toFixed(1);
}

function link(target: string, app: string, name: string): void {
  mkdirSync(join(app, 'node_modules'), { recursive: true });
  symlinkSync(realpathSync(target), join(app, 'node_modules', name));
}
