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
  parseText,
  REGISTRY_OPTIONS,
  reportFailure,
  runCommand,
  toRegistryAccess,
  valueOption,
  withProcessIo,
} from '@soci/cli/internal';
import { DEFAULT_MIN_LAYER_SIZE } from '@soci/index';
import { startTestRegistry } from '@soci/test-registry';
import { prepareDemoImage } from './image/demo-image.ts';
import { printImage } from './report/steps.ts';
import { showWorkflow } from './show-workflow.ts';

/** What users type before the arguments of the demonstration. */
const PROGRAM = 'npm start --';

/** The demonstration: a program with a single command. */
const demo: Command = {
  name: '',
  summary: 'run the whole workflow on this machine: push, event, both Lambda functions, index',
  ...defineCommand({
    details: [
      'Pushes an image to a local registry that behaves like Amazon ECR. The push event starts the same two Lambda ' +
        'functions as in AWS, which index the image and push the result. Then the demonstration verifies the index, ' +
        'delivers the event again, and reads one file from the registry.',
      'Without SRC, creates an image of more than 100 MB from the local Node.js installation and node_modules directory, ' +
        'and keeps it for later runs. The default of --dir is node_modules/.cache/soci-index-demo, or a temporary ' +
        'directory if node_modules does not exist.',
    ],
    operands: [{ name: 'SRC', help: IMAGE_FORMS, optional: true }],
    options: {
      dir: valueOption('DIR', parseText, 'store images in this directory'),
      'min-layer-size': valueOption(
        'SIZE',
        parseSize,
        `skip smaller layers (default ${formatBytes(DEFAULT_MIN_LAYER_SIZE)})`,
      ),
      ...REGISTRY_OPTIONS,
    },
    examples: [
      { purpose: 'index an image of this machine', line: '' },
      { purpose: 'index your image in an OCI layout', line: 'oci:app:v1' },
      { purpose: 'index your image in a registry', line: 'docker.io/library/node:24' },
    ],
    async run({ operands: [from], options }, context) {
      const { output, signal } = context;
      const dir = shortestPath(options.dir ?? defaultFolder());
      const own = from === undefined ? undefined : parseLocation(from);
      const access = await toRegistryAccess(options, own ? [own] : [], context);
      const demoImage = own === undefined ? await prepareDemoImage(dir, context) : undefined;
      const kept = layoutAt(join(dir, 'soci'));
      await mkdir(dir, { recursive: true });
      await rm(kept.path, { recursive: true, force: true });
      if (demoImage && !output.json && !output.quiet) await printImage(demoImage, output);
      signal.throwIfAborted();

      const registry = await startTestRegistry({ auth: 'ecr', ecr: true, autoCreate: true, redirects: true });
      try {
        const source = own ?? layoutAt(join(dir, 'image'));
        const minLayerSize = options['min-layer-size'];
        const titles = demoImage?.titles ?? [];
        return await showWorkflow({ source, access, kept, titles, minLayerSize }, registry, context);
      } finally {
        await registry.stop();
      }
    },
  }),
};

/** Runs the demonstration with command-line arguments. Prints errors and returns the exit code. */
export async function runDemo(argv: readonly string[], io?: CliIo): Promise<ExitCode> {
  if (io === undefined) return withProcessIo((processIo) => runDemo(argv, processIo));
  try {
    return await runCommand(demo, argv, io, PROGRAM);
  } catch (error) {
    return reportFailure(error, argv, io, 'npm start');
  }
}

function layoutAt(path: string): LayoutLocation & { readonly transport: 'oci' } {
  return { transport: 'oci', path, reference: 'latest', text: `oci:${path}:latest` };
}

/** Returns the default directory for images: a cache in `node_modules`, or a temporary directory of the user. */
function defaultFolder(): string {
  if (existsSync('node_modules')) return join('node_modules', '.cache', 'soci-index-demo');
  return join(tmpdir(), `soci-index-demo-${userInfo().username}`);
}

/** Returns a path relative to the current directory, unless it is outside of it. */
function shortestPath(path: string): string {
  const fromHere = relative('.', path) || '.';
  return fromHere.startsWith('..') || isAbsolute(fromHere) ? path : fromHere;
}
