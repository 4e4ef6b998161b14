import {
  type CommandContext,
  formatBytes,
  type ImageLocation,
  type Output,
  type RegistryAccess,
} from '@soci/cli/internal';
import type { GeneratorResponse } from '@soci/functions';
import type { DemoRepository, RegistryTraffic } from './demo-repository.ts';
import { printEvent, printFilter, printGenerator, printPush } from './report/steps.ts';
import type { EventTrace, FunctionRun } from './workflow/event-trace.ts';
import type { startWorkflow } from './workflow/workflow.ts';

/** Result of {@link pushAndIndex}. */
export interface IndexedPush {
  /** Traffic of the push, and of the functions. */
  readonly push: RegistryTraffic;
  readonly index: RegistryTraffic;
  /** All events, including those that the generator caused. */
  readonly traces: readonly EventTrace[];
  /** The event of the push. */
  readonly pushed: EventTrace;
  /** The last run of the generator for the push. */
  readonly generated: FunctionRun<GeneratorResponse> | undefined;
}

/** Pushes an image, runs the workflow on its event, and prints both steps. */
export async function pushAndIndex(
  source: ImageLocation,
  access: RegistryAccess,
  repository: DemoRepository,
  workflow: Awaited<ReturnType<typeof startWorkflow>>,
  { output, signal }: CommandContext,
): Promise<IndexedPush> {
  const printsSteps = !output.json && !output.quiet;
  const { traffic: push } = await repository.measure(() => repository.push(source, access));
  if (printsSteps) await printPush(push, repository.image.text, output);
  const { traffic: index, value: traces } = await repository.measure(() =>
    showReadProgress(repository, push.bytesIn, output, () => workflow.run(signal)),
  );
  const pushed = traceOfPush(traces);
  if (printsSteps) {
    await printEvent(pushed, output);
    for (const run of pushed.filter) await printFilter(run, output);
    for (const run of pushed.generator) await printGenerator(run, index, output);
  }
  return { push, index, traces, pushed, generated: pushed.generator.at(-1) };
}

/** Returns the trace of the event with the tag, which is the last event of a push. */
export function traceOfPush(traces: readonly EventTrace[]): EventTrace {
  const trace = traces.find(({ event }) => event.detail['image-tag'] === 'latest');
  if (trace === undefined) throw new Error('the registry sent no event for the push');
  return trace;
}

const POLL_INTERVAL_MS = 200;

/**
 * Shows how much the generator has read of about `total` bytes, while `work` runs. The generator is another process, so
 * the progress comes from the registry.
 */
async function showReadProgress<T>(
  repository: DemoRepository,
  total: number,
  output: Output,
  work: () => Promise<T>,
): Promise<T> {
  const progress = output.openProgress();
  const timer = setInterval(() => {
    const done = Math.min(total, repository.traffic().bytesOut);
    const detail = `the generator is reading layers, ${formatBytes(done)} of ${formatBytes(total)}`;
    progress.update({ done, total, detail });
  }, POLL_INTERVAL_MS);
  try {
    return await work();
  } finally {
    clearInterval(timer);
    progress.close();
  }
}
