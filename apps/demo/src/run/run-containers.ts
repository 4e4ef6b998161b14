import {
  type CommandContext,
  drawBar,
  EXIT,
  type ExitCode,
  formatBytes,
  formatSeconds,
  type ImageLocation,
  type Output,
} from '@soci/cli/internal';
import { startTestRegistry } from '@soci/test-registry';
import { findRuntime, type RuntimePrograms } from '@soci/test-runtime';
import { DemoRepository, REPOSITORY } from '../demo-repository.ts';
import { pushAndIndex } from '../push-and-index.ts';
import { printDeployment, printStart } from '../report/steps.ts';
import { startWorkflow } from '../workflow/workflow.ts';
import { type Lane, type LaneResult, NETWORK, raceLanes } from './race.ts';
import { printRecordedStarts, readRecordedStarts } from './recorded.ts';

/** Prints a version, so that the output shows what ran. */
const COMMAND = ['/usr/local/bin/node', '-e', 'console.log("Node.js", process.version, "in a container")'];

const FILTERS = `${REPOSITORY}:*`;

const LANES: readonly Lane[] = [
  { title: 'ordinary pull', snapshotter: 'overlayfs', image: `${REPOSITORY}:latest` },
  { title: 'lazy start', snapshotter: 'soci', image: `${REPOSITORY}:latest-soci` },
];

/** Finds or builds containerd and the snapshotter. Says what it builds. The registry is part of this program. */
export function findContainerSupport({ output }: CommandContext) {
  const sayBuild = (what: string) =>
    void output.note(`Building ${what} with Go. The first time, this takes up to 10 minutes.`);
  return findRuntime(sayBuild, { registry: false });
}

/** Shows recorded starts, because this machine cannot run containers. */
export async function showRecordedStarts(reason: string, { output }: CommandContext): Promise<ExitCode> {
  const recorded = await readRecordedStarts();
  if (output.json) await output.writeJson({ outcome: 'recorded', reason, ...recorded });
  else {
    await output.writeLine(`This machine cannot start containers: ${reason}.`);
    await printRecordedStarts(recorded, output);
  }
  return EXIT.SUCCESS;
}

/** Pushes an image, lets the workflow index it, and starts it with an ordinary pull and lazily, at the same time. */
export async function runContainers(
  source: ImageLocation,
  programs: RuntimePrograms,
  context: CommandContext,
): Promise<ExitCode> {
  const { output, signal } = context;
  const printsSteps = !output.json && !output.quiet;
  // Without redirects and credentials, so that the lanes' networks carry everything.
  const registry = await startTestRegistry({ ecr: true, autoCreate: true });
  try {
    const repository = new DemoRepository(registry, context);
    const { value: workflow, traffic } = await repository.measure(() =>
      startWorkflow(registry, { filters: FILTERS, minLayerSize: undefined }),
    );
    let size: number;
    try {
      if (printsSteps) await printDeployment(FILTERS, traffic.seconds, output);
      const { push, generated } = await pushAndIndex(source, repository.access, repository, workflow, context);
      if (generated?.response?.outcome !== 'indexed') {
        throw new Error('the generator did not index the image. Run "npm start", which prints the reason.');
      }
      size = push.bytesIn;
    } finally {
      await workflow.stop();
    }
    const progress = output.openProgress();
    const options = { programs, registry: registry.host, size, command: COMMAND, progress, signal };
    const lanes = await raceLanes(LANES, options);
    if (output.json) await output.writeJson({ outcome: 'measured', imageSize: size, lanes });
    else if (output.quiet) {
      await output.writeLines(
        lanes.map(({ title, seconds, bytes }) => `${title}  ${seconds.toFixed(2)} s  ${bytes} bytes`),
      );
    } else await printLanes(lanes, size, output);
    return EXIT.SUCCESS;
  } finally {
    await registry.stop();
  }
}

const BAR_WIDTH = 24;

async function printLanes(lanes: readonly LaneResult[], size: number, output: Output): Promise<void> {
  for (const { title, output: text, seconds } of lanes) await printStart(title, text, seconds, output);
  const longest = Math.max(...lanes.map(({ seconds }) => seconds));
  const { bold, cyan } = output.style;
  const row = (title: string, part: number, whole: number, text: string) =>
    output.writeLine(`  ${title.padEnd(15)}${cyan(drawBar(part, whole, BAR_WIDTH))}  ${text}`);
  await output.writeLine();
  await output.writeLine(`${bold('Time to the first output of the container')}, each over a network of ${NETWORK}`);
  for (const { title, seconds } of lanes) await row(title, seconds, longest, formatSeconds(seconds));
  await output.writeLine();
  await output.writeLine(bold(`Fetched, of an image of ${formatBytes(size)}`));
  for (const { title, bytes, requests, lazyLayers } of lanes) {
    const lazy = lazyLayers > 0 ? `, ${lazyLayers} layers loaded lazily` : '';
    await row(title, bytes, size, `${formatBytes(bytes)} in ${requests} requests${lazy}`);
  }
  const [pull, start] = lanes;
  if (pull === undefined || start === undefined) return;
  const speed = (pull.seconds / start.seconds).toFixed(1);
  const share = Math.round((100 * start.bytes) / pull.bytes);
  await output.writeLine();
  await output.writeLine(`Lazily, the container starts ${speed} times as fast, and fetches ${share} % of the bytes.`);
}
