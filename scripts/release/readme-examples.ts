// The first example of each README, run in a project that has installed the packages. Each runs against real parts: the test
// registry, golden layers and layouts.
import assert from 'node:assert/strict';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import {
  contentOf,
  goldenLayerPath,
  goldenLayoutPath,
  makeImage,
  makeLayer,
  pushImage,
  readGoldenLayers,
  smallImage,
} from '@soci/test-content';
import { startTestRegistry } from '@soci/test-registry';
import { transformSync } from 'esbuild';
import { capture, run } from './steps.ts';

/** A project that has installed the packages. */
export interface Project {
  readonly folder: string;
  readonly format: 'esm' | 'cjs';
}

type TestRegistry = Awaited<ReturnType<typeof startTestRegistry>>;

/** What an example runs with. */
interface Context {
  /** Calls a function that the example exports, by its index, in a process of the project. `CALLBACK` stands for a function. */
  readonly call: (index: number, ...args: unknown[]) => Promise<unknown>;
  readonly project: Project;
  readonly registry: TestRegistry;
}

const CALLBACK = '$callback';
const LAYER = 'gzip-level6.tar.gz';
const TAR = 'application/vnd.oci.image.layer.v1.tar';
const INDEX = 'application/vnd.oci.image.index.v1+json';

/** What is called of each package's example, and what must come of it. */
const EXAMPLES: Readonly<Record<string, (context: Context) => Promise<void>>> = {
  '@soci/ztoc': async ({ call, project }) => {
    const layer = goldenLayerPath(LAYER);
    const ztoc = join(project.folder, 'layer.ztoc');
    await call(0, layer, `sha256:${readGoldenLayers()[LAYER]?.sha256}`, ztoc);
    assert.match(JSON.stringify(await call(1, ztoc, layer, '/usr/bin/f00036-dpemne')), /bytesFetched/);
  },
  '@soci/oci': async ({ call, project }) => {
    const target = join(project.folder, 'arm64');
    assert.match(String(await call(0, goldenLayoutPath('multi'), target, 'v1')), /564 bytes/);
  },
  '@soci/filter': async ({ call }) => {
    const detail = {
      result: 'SUCCESS',
      'repository-name': 'prod/app',
      'image-digest': `sha256:${'a'.repeat(64)}`,
      'action-type': 'PUSH',
      'image-tag': 'v4',
      'manifest-media-type': 'application/vnd.oci.image.manifest.v1+json',
    };
    const event = { account: '123456789012', region: 'eu-central-1', source: 'aws.ecr', detail };
    const envelope = {
      'detail-type': 'ECR Image Action',
      time: '2026-01-01T00:00:00Z',
      resources: [],
      id: 'id',
      version: '0',
    };
    assert.match(String(await call(0, { ...envelope, ...event }, CALLBACK)), /^200: prod\/app:v4 matches/);
  },
  '@soci/index': makesSeekable,
  'README.md': makesSeekable,
  '@soci/registry': async ({ call, registry }) => {
    const image = smallImage();
    for (const { bytes } of image.blobs) await registry.putBlob('team/app', bytes);
    const { descriptor, bytes } = image.manifest;
    registry.putManifest('team/app', 'v1', descriptor.mediaType, bytes);
    const target = await startTestRegistry({ redirects: true });
    try {
      assert.deepEqual(await call(0, registry.host, target.host, 'team/app', 'v1'), [descriptor.digest]);
    } finally {
      await target.stop();
    }
  },
  '@soci/ecr': async ({ call, registry }) => {
    registry.putManifest('tags', 'v1', INDEX, Buffer.from('{"schemaVersion":2,"manifests":[]}'));
    assert.deepEqual(await call(0, registry.host, 'tags'), ['v1']);
  },
  '@soci/registry-jobs': async ({ call, registry }) => {
    registry.putManifest('missing', 'v1', INDEX, Buffer.from('{"schemaVersion":2,"manifests":[]}'));
    assert.deepEqual(await call(0, registry.host, 'missing:*'), ['missing:v1: no-index']);
  },
};

async function makesSeekable({ call, registry, project }: Context): Promise<void> {
  const path = `seekable-${project.format}`;
  await pushImage(registry, path, 'v1', makeImage([largeLayer()]));
  assert.match(String(await call(0, registry.host, path, 'v1')), /^(already-)?indexed: sha256:/);
}

/** Creates a layer that is large enough to be indexed. */
function largeLayer() {
  return contentOf(TAR, gunzipSync(makeLayer('etc/os-release', 11 << 20).bytes));
}

/** Names of the READMEs' examples that {@link runExample} runs. */
export const EXAMPLE_NAMES: readonly string[] = Object.keys(EXAMPLES);

/** Returns the first code block in `language` that contains `text`. */
export function firstExample(markdown: string, language: string, text = ''): string {
  const blocks = [...markdown.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, 'gms'))];
  const code = blocks.map(([, block = '']) => block).find((block) => block.includes(text));
  if (code === undefined) throw new Error(`no example in ${language} with "${text}"`);
  return code;
}

const DRIVER = `
const [file, name, args] = process.argv.slice(2);
const values = JSON.parse(args).map((value) => (value === '${CALLBACK}' ? () => {} : value));
const load = async () => (file.endsWith('.cjs') ? require(file) : import(file));
load().then((example) => example[name](...values)).then((result) => console.log(JSON.stringify(result ?? null)));
`;

/** Runs an example in TypeScript, as the project's module system has it. */
export async function runExample(name: string, code: string, project: Project, registry: TestRegistry): Promise<void> {
  const extension = project.format === 'esm' ? 'mjs' : 'cjs';
  const file = join(project.folder, `example-${name.replaceAll(/\W+/g, '-')}.${extension}`);
  writeFileSync(file, transformSync(code, { loader: 'ts', format: project.format, target: 'node22' }).code);
  writeFileSync(join(project.folder, 'driver.cjs'), DRIVER);
  // Without credentials of the machine.
  const env = { HOME: project.folder, DOCKER_CONFIG: project.folder };
  const functions = [...code.matchAll(/^export (?:async )?function (\w+)/gm)].map(([, exported = '']) => exported);
  const call = async (index: number, ...args: unknown[]) => {
    const words = ['driver.cjs', file, functions[index] ?? '', JSON.stringify(args)];
    return JSON.parse(await run(process.execPath, words, { cwd: project.folder, env }));
  };
  await EXAMPLES[name]?.({ call, project, registry });
}

/** Synthesizes the app of an example, and checks that its template has the two functions. */
export async function runAppExample(code: string, folder: string, name: string): Promise<void> {
  const file = join(folder, `${name}.mjs`);
  writeFileSync(file, transformSync(code, { loader: 'ts', format: 'esm', target: 'node22' }).code);
  await synthesize(folder, file);
}

/** Runs a CDK app, and checks that its template has the two functions. */
export async function synthesize(folder: string, file: string): Promise<void> {
  const output = `${file}.out`;
  await run(process.execPath, [file], { cwd: folder, env: { CDK_OUTDIR: output } });
  const { artifacts } = JSON.parse(readFileSync(join(output, 'manifest.json'), 'utf8')) as {
    artifacts: Record<string, { type: string; properties?: { templateFile?: string } }>;
  };
  const templates = Object.values(artifacts).flatMap(({ properties }) => properties?.templateFile ?? []);
  const text = templates.map((template) => readFileSync(join(output, template), 'utf8')).join('');
  assert.ok(text.split('"AWS::Lambda::Function"').length > 2, 'the template has two functions');
}

/** Runs the commands of the command line's README, and compares their output: all but digests, which name the version. */
export async function runConsoleExample(block: string, { folder }: Project, registry: TestRegistry): Promise<void> {
  await registry.loadLayout('app', goldenLayoutPath('single-oci'), 'v1');
  for (const example of block.split(/^\$ /m).slice(1)) {
    const [command = '', ...expected] = example.split('\n');
    const line = command.replaceAll('localhost:5000', registry.host).replace('convert ', 'convert --jobs 1 ');
    const { code, stdout, stderr } = await runLine(line, folder);
    assert.equal(code, 0, stderr);
    assert.equal(comparable(stdout.replaceAll(registry.host, 'localhost:5000')), comparable(expected.join('\n')));
  }
}

/** Runs the commands of the root README, a line each, with its placeholders replaced by existing names. */
export async function runShellExample(block: string, { folder }: Project, registry: TestRegistry): Promise<void> {
  await pushImage(registry, 'shell', 'v1', makeImage([largeLayer()]));
  cpSync(goldenLayerPath(LAYER), join(folder, 'layer.tar.gz'));
  cpSync(goldenLayoutPath('single-oci'), join(folder, 'app'), { recursive: true });
  const file = join(folder, 'app', 'index.json');
  const index = JSON.parse(readFileSync(file, 'utf8')) as { manifests: object[] };
  const annotations = { 'org.opencontainers.image.ref.name': 'v1' };
  writeFileSync(
    file,
    JSON.stringify({ ...index, manifests: index.manifests.map((each) => ({ ...each, annotations })) }),
  );
  for (const line of block.trim().split('\n')) {
    const command = line.replace(/\s+#.*$/, '').replaceAll('HOST/REPO', `${registry.host}/shell`);
    const { code, stderr } = await runLine(command, folder);
    // 3: an image with nothing to index, as the golden layout is.
    assert.ok(code === 0 || code === 3, `${command}: exit code ${code}\n${stderr}`);
  }
}

function runLine(line: string, folder: string) {
  const env = { PATH: `${join(folder, 'node_modules', '.bin')}:${process.env.PATH}`, HOME: folder };
  return capture('sh', ['-c', line], { cwd: folder, env });
}

/** Removes digests, times and column widths from output, so that it can be compared. */
function comparable(output: string): string {
  return output
    .replaceAll(/\b[0-9a-f]{12}(?:[0-9a-f]{52})?\b/g, 'DIGEST')
    .replaceAll(/\d+(\.\d+)? s\b/g, 'TIME')
    .replaceAll(/ +/g, ' ')
    .trim();
}
