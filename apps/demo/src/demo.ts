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
import { showBackfill } from './backfill/show-backfill.ts';
import { prepareDemoImage } from './image/demo-image.ts';
import { printImage } from './report/steps.ts';
import { findContainerSupport, runContainers, showRecordedStarts } from './run/run-containers.ts';
import { showWorkflow } from './show-workflow.ts';

/** What users type before the arguments of the demonstration. */
const PROGRAM = 'npm start --';

const DIR_OPTION = { dir: valueOption('DIR', parseText, 'store images in this directory') };

/** The demonstration of the workflow. */
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
      ...DIR_OPTION,
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
      { purpose: 'start a container lazily, next to an ordinary pull', line: 'run' },
      { purpose: 'index a registry of 300 images', line: 'backfill' },
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

/** The demonstration of containers that start from the index. */
const runDemonstration: Command = {
  name: 'run',
  summary: 'start a container lazily, next to an ordinary pull of the same image',
  ...defineCommand({
    details: [
      'Creates an image from the local Node.js installation, pushes it to a local registry that behaves like Amazon ECR, and ' +
        'runs the workflow that indexes it. Then containerd starts a container twice at the same time: with an ordinary pull, ' +
        'and lazily with soci-snapshotter. Each has its own network of 100 Mbit/s and 10 ms.',
      'Requires Linux, root, FUSE and runc. The first time, builds containerd and soci-snapshotter with Go. If something is ' +
        'missing, prints the reason and recorded times.',
    ],
    operands: [],
    options: DIR_OPTION,
    examples: [{ purpose: 'start a container', line: '' }],
    async run({ options }, context) {
      const support = await findContainerSupport(context);
      if (support.outcome === 'unavailable') return showRecordedStarts(support.reason, context);
      const { output } = context;
      const dir = shortestPath(options.dir ?? defaultFolder());
      const image = await prepareDemoImage(dir, context);
      if (!output.json && !output.quiet) await printImage(image, output);
      return runContainers(layoutAt(join(dir, 'image')), support.programs, context);
    },
  }),
};

/** Returns the demonstration of a whole registry, whose commands write to `io`. */
function backfillDemonstration(io: CliIo): Command {
  return {
    name: 'backfill',
    summary: 'index a registry of 300 images, and keep it true',
    ...defineCommand({
      details: [
        'Fills a local registry with 300 small images, and runs soci-index: a plan, a backfill, the status after an image ' +
          'whose event was lost, and garbage that is deleted and restored. Takes less than a minute, and leaves nothing behind.',
      ],
      operands: [],
      options: {},
      examples: [{ purpose: 'index a whole registry', line: '' }],
      run: (_, context) => showBackfill(context, io),
    }),
  };
}

/** Words that can precede the name of a command. */
const FLAGS: ReadonlySet<string> = new Set(['--json', '--quiet', '-q', '--debug', '--help', '-h']);

/** Runs the demonstration with command-line arguments. Prints errors and returns the exit code. */
export async function runDemo(argv: readonly string[], io?: CliIo): Promise<ExitCode> {
  if (io === undefined) return withProcessIo((processIo) => runDemo(argv, processIo));
  try {
    const first = argv.findIndex((word) => !FLAGS.has(word));
    const named = [runDemonstration, backfillDemonstration(io)].find(({ name }) => name === argv[first]);
    return named === undefined
      ? await runCommand(demo, argv, io, PROGRAM)
      : await runCommand(named, argv.toSpliced(first, 1), io, PROGRAM);
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
