import { existsSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { isAbsolute, join, relative } from 'node:path';
import {
  type CliIo,
  type Command,
  defineCommand,
  type ExitCode,
  formatBytes,
  IMAGE_FORMS,
  type LayoutLocation,
  parseLocation,
  parseSize,
  REGISTRY_OPTIONS,
  reportFailure,
  runCommand,
  text,
  toRegistryAccess,
  valueOption,
  withProcessIo,
} from '@soci/cli/internal';
import { DEFAULT_MIN_LAYER_SIZE } from '@soci/index';
import { startTestRegistry } from '@soci/test-registry';
import { prepareDemoImage } from './image/demo-image.ts';
import { tellImage } from './report/steps.ts';
import { showWorkflow } from './show-workflow.ts';

/** What people type before the words of the demonstration. */
const PROGRAM = 'npm start --';

/** The demonstration, as a program of one command. */
const demo: Command = {
  name: '',
  summary: 'see the whole workflow on this machine: a push, its event, both Lambda functions, the index',
  ...defineCommand({
    details: [
      'Without SRC an image of more than 100 MB is made of what Node has installed here and of the node_modules of the ' +
        'current folder; later runs use it again. With SRC your own image is taken. It is pushed to a registry that runs as ' +
        'long as the demonstration does, and behaves as Amazon ECR; all that happens then is what happens in AWS, with the ' +
        'same functions. What is kept is written below --dir.',
    ],
    operands: [{ name: 'SRC', help: `your own image: ${IMAGE_FORMS}`, optional: true }],
    options: {
      dir: valueOption('DIR', text, 'store images in this directory'),
      'min-layer-size': valueOption(
        'SIZE',
        parseSize,
        `skip smaller layers (default ${formatBytes(DEFAULT_MIN_LAYER_SIZE)})`,
      ),
      ...REGISTRY_OPTIONS,
    },
    examples: [
      { purpose: 'an image of this machine', line: '' },
      { purpose: 'your own image, in an OCI layout', line: 'oci:app:v1' },
      { purpose: 'the same from a registry', line: 'docker.io/library/node:24' },
    ],
    async run({ operands: [from], options }, context) {
      const { output, signal } = context;
      const dir = shortestPath(options.dir ?? defaultFolder());
      const own = from === undefined ? undefined : parseLocation(from);
      const access = await toRegistryAccess(options, own ? [own] : [], context);
      const made = own === undefined ? await prepareDemoImage(dir, context) : undefined;
      const kept = layoutAt(join(dir, 'soci'));
      await mkdir(dir, { recursive: true });
      await rm(kept.path, { recursive: true, force: true });
      if (made && !output.json && !output.quiet) await tellImage(made, output);
      signal.throwIfAborted();

      const registry = await startTestRegistry({ auth: 'ecr', ecr: true, autoCreate: true, redirects: true });
      try {
        const source = own ?? layoutAt(join(dir, 'image'));
        const minLayerSize = options['min-layer-size'];
        const titles = made?.titles ?? [];
        return await showWorkflow({ source, access, kept, titles, minLayerSize }, registry, context);
      } finally {
        await registry.stop();
      }
    },
  }),
};

/** Runs the demonstration with the words of a command line, as `main` of the command line does with its own. */
export async function runDemo(argv: readonly string[], io?: CliIo): Promise<ExitCode> {
  if (io === undefined) return withProcessIo((own) => runDemo(argv, own));
  try {
    return await runCommand(demo, argv, io, PROGRAM);
  } catch (error) {
    return reportFailure(error, argv, io, 'npm start');
  }
}

function layoutAt(path: string): LayoutLocation {
  return { transport: 'oci', path, reference: 'latest', text: `oci:${path}:latest` };
}

/** Where images are kept: where other tools keep their caches too; elsewhere a folder that is this person's own. */
function defaultFolder(): string {
  if (existsSync('node_modules')) return join('node_modules', '.cache', 'soci-index-demo');
  return join(tmpdir(), `soci-index-demo-${userInfo().username}`);
}

/** Paths below the current folder are shown, and can be typed, as they are from here. */
function shortestPath(path: string): string {
  const fromHere = relative('.', path) || '.';
  return fromHere.startsWith('..') || isAbsolute(fromHere) ? path : fromHere;
}
