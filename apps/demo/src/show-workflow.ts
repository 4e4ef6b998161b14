import {
  type CommandContext,
  countRead,
  type DestinationLocation,
  EXIT,
  type ExitCode,
  formatBytes,
  type ImageLocation,
  type Output,
  type RegistryAccess,
} from '@soci/cli/internal';
import type { GeneratorResponse } from '@soci/functions';
import type { TestRegistry } from '@soci/test-registry';
import { DemoRepository, REPOSITORY, type RegistryTraffic } from './demo-repository.ts';
import { listInventory } from './inventory.ts';
import {
  printDeployment,
  printEvent,
  printFilter,
  printGenerator,
  printGeneratorEvents,
  printPush,
  printRead,
  printRepeat,
  printVerification,
} from './report/steps.ts';
import { printEvents, printInventory, printLayers, printNextSteps, printReadCosts } from './report/tables.ts';
import { verifyConverted } from './verification.ts';
import type { EventTrace, FunctionRun } from './workflow/event-trace.ts';
import { startWorkflow } from './workflow/workflow.ts';

/** Image filter of the workflow: all tags of the repository. */
const FILTERS = `${REPOSITORY}:*`;

/** Options of {@link showWorkflow}. */
export interface WorkflowOptions {
  /** The image to push. */
  readonly source: ImageLocation;
  /** Registry settings for `source`. */
  readonly access: RegistryAccess;
  /** Where to keep the converted image. */
  readonly kept: DestinationLocation;
  /** Titles of the layers, if known. */
  readonly titles: readonly string[];
  /** Minimum size of a layer to index, in bytes. @default the default of the generator */
  readonly minLayerSize: number | undefined;
}

/** Pushes an image, runs the workflow on its event, verifies the result, and prints each step. */
export async function showWorkflow(
  { source, access, kept, titles, minLayerSize }: WorkflowOptions,
  registry: TestRegistry,
  context: CommandContext,
): Promise<ExitCode> {
  const { output, signal } = context;
  const printsSteps = !output.json && !output.quiet;
  const repository = new DemoRepository(registry, context);
  const deployment = await repository.measure(() => startWorkflow(registry, { filters: FILTERS, minLayerSize }));
  const workflow = deployment.value;
  try {
    if (printsSteps) await printDeployment(FILTERS, deployment.traffic.seconds, output);
    const { traffic: push } = await repository.measure(() => repository.push(source, access));
    if (printsSteps) await printPush(push, repository.image.text, output);
    const { traffic: index, value: traces } = await repository.measure(() =>
      showReadProgress(repository, push.bytesIn, output, () => workflow.run(signal)),
    );
    const pushed = traceOfPush(traces);
    const [generated] = pushed.generator.slice(-1);
    if (printsSteps) await printTrace(pushed, index);
    if (generated?.response?.outcome !== 'indexed') return await finishWithoutIndex(generated);
    if (printsSteps) await printGeneratorEvents(traces.slice(traces.indexOf(pushed) + 1), output);

    const verification = await verifyConverted(repository.converted, repository.access, context);
    if (printsSteps) await printVerification(verification, output);
    workflow.redeliver(pushed);
    const { traffic: again, value: repeated } = await repository.measure(() => workflow.run(signal));
    const [recognized] = traceOfPush(repeated).generator;
    if (printsSteps && recognized) await printRepeat(recognized, again, output);
    const [cost] = verification.costs;
    const read = cost && (await repository.measure(() => repository.readFile(cost.name))).traffic;
    await repository.pull(source, kept, access);
    const inventory = await listInventory(registry.host, REPOSITORY, repository.access, { signal });

    const { root } = generated.response;
    const imageSize = (verification.image.images[0]?.layers ?? []).reduce((sum, { size }) => sum + size, 0);
    if (output.json) {
      const steps = Object.entries({ push, index, again, ...(read && { read }) });
      await output.writeJson({
        source: source.text,
        image: repository.image.text,
        converted: repository.converted.text,
        kept: kept.text,
        ...generated.response,
        verified: { valid: verification.result.outcome === 'valid', ...countRead(verification.result) },
        steps: Object.fromEntries(steps.map(([name, traffic]) => [name, trafficAsJson(traffic)])),
        events: workflow.traces().map(traceAsJson),
        inventory,
        reading: verification.costs,
      });
    } else if (output.quiet) {
      await output.writeLine(root?.digest ?? '');
    } else {
      if (cost && read) await printRead(cost, read, imageSize, output);
      await printEvents(workflow.traces(), output);
      await printInventory(REPOSITORY, inventory, output);
      await printLayers(verification, titles, minLayerSize, output);
      await printReadCosts(imageSize, verification.costs, output);
      await printNextSteps(kept.transport === 'registry' ? kept.text : kept.path, cost?.name, output);
    }
    return verification.result.outcome === 'valid' ? EXIT.SUCCESS : EXIT.FAILED;
  } finally {
    await workflow.stop();
  }

  async function printTrace(trace: EventTrace, traffic: RegistryTraffic): Promise<void> {
    await printEvent(trace, output);
    for (const run of trace.filter) await printFilter(run, output);
    for (const run of trace.generator) await printGenerator(run, traffic, output);
  }

  /** Prints why the generator created no index, and returns the exit code. */
  async function finishWithoutIndex(run: FunctionRun<GeneratorResponse> | undefined): Promise<ExitCode> {
    const response = run?.response;
    if (output.json) {
      await output.writeJson({ source: source.text, ...(response ?? { outcome: 'failed', reason: 'try-again' }) });
    } else if (!output.quiet) {
      await printEvents(workflow.traces(), output);
      if (response?.outcome === 'skipped' && response.reason === 'layers-too-small') {
        await output.writeLine();
        await output.writeLine('To index small layers too, use --min-layer-size 0. This rarely helps.');
      }
    }
    if (response === undefined) for (const line of run?.invocation.log ?? []) await output.note(line);
    return response?.outcome === 'skipped' ? EXIT.NOTHING_TO_INDEX : EXIT.FAILED;
  }
}

function trafficAsJson({ seconds, ...traffic }: RegistryTraffic): object {
  return { ...traffic, seconds: Number(seconds.toFixed(3)) };
}

function traceAsJson({ event, rules, filter, generator }: EventTrace): object {
  return { event, rules, filter: filter.map(runAsJson), generator: generator.map(runAsJson) };
}

function runAsJson({ invocation, response }: FunctionRun<unknown>): object {
  const { requestId, attempt, outcome, initMilliseconds, milliseconds, maxMemory } = invocation;
  return {
    requestId,
    attempt,
    status: outcome.status,
    ...(response !== undefined && { answer: response }),
    ...(initMilliseconds !== undefined && { initMilliseconds: Math.round(initMilliseconds) }),
    milliseconds: Math.round(milliseconds),
    ...(maxMemory !== undefined && { maxMemory }),
  };
}

/** Returns the trace of the event with the tag, which is the last event of a push. */
function traceOfPush(traces: readonly EventTrace[]): EventTrace {
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
