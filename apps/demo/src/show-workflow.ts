import {
  type CommandContext,
  countRead,
  EXIT,
  type ExitCode,
  formatBytes,
  type ImageLocation,
  type Output,
  type RegistryAccess,
} from '@soci/cli/internal';
import type { GeneratorAnswer } from '@soci/functions';
import type { TestRegistry } from '@soci/test-registry';
import { takeInventory } from './inventory.ts';
import { proveReadable } from './proof.ts';
import {
  tellAgain,
  tellDeployment,
  tellEvent,
  tellFilter,
  tellGenerator,
  tellOwnEvents,
  tellProof,
  tellPush,
  tellReading,
} from './report/steps.ts';
import { printCosts, printEvents, printInventory, printLayers, suggestNext } from './report/tables.ts';
import { REPOSITORY, type RegistryStep, RepositoryRound } from './repository-round.ts';
import type { EventTrace, Run } from './workflow/event-trace.ts';
import { startWorkflow } from './workflow/workflow.ts';

/** Which images are indexed: all of one repository, as a filter says it. */
const FILTERS = `${REPOSITORY}:*`;

/** What the workflow is shown with. */
export interface Showing {
  /** The image to push. */
  readonly source: ImageLocation;
  /** How it is reached, where it is in a registry. */
  readonly access: RegistryAccess;
  /** Where to keep the converted image. */
  readonly kept: ImageLocation;
  /** What its layers are called, where that is known. */
  readonly titles: readonly string[];
  /** Bytes; the generator's own default where it is undefined. */
  readonly minLayerSize: number | undefined;
}

/** Takes an image the whole way, and tells of it. */
export async function showWorkflow(
  { source, access, kept, titles, minLayerSize }: Showing,
  registry: TestRegistry,
  context: CommandContext,
): Promise<ExitCode> {
  const { output, signal } = context;
  const isTold = !output.json && !output.quiet;
  const round = new RepositoryRound(registry, context);
  const deployment = await round.measure(() => startWorkflow(registry, { filters: FILTERS, minLayerSize }));
  const workflow = deployment.value;
  try {
    if (isTold) await tellDeployment(FILTERS, deployment.step.seconds, output);
    const { step: push } = await round.measure(() => round.push(source, access));
    if (isTold) await tellPush(push, round.image.text, output);
    const { step: index, value: first } = await round.measure(() =>
      watchReading(round, push.bytesIn, output, () => workflow.run(signal)),
    );
    const pushed = traceOfPush(first);
    const [generated] = pushed.generator.slice(-1);
    if (isTold) await tellPushed(pushed, index);
    if (generated?.answer?.outcome !== 'indexed') return await endWithout(generated);
    if (isTold) await tellOwnEvents(first.slice(first.indexOf(pushed) + 1), output);

    const proof = await proveReadable(round.converted, round.access, context);
    if (isTold) await tellProof(proof, output);
    workflow.redeliver(pushed);
    const { step: again, value: second } = await round.measure(() => workflow.run(signal));
    const [recognized] = traceOfPush(second).generator;
    if (isTold && recognized) await tellAgain(recognized, again, output);
    const [cost] = proof.costs;
    const read = cost && (await round.measure(() => round.readFile(cost.name))).step;
    await round.pull(source, kept, access);
    const inventory = await takeInventory(registry.host, REPOSITORY, round.access, { signal });

    const { root } = generated.answer;
    const imageSize = (proof.image.images[0]?.layers ?? []).reduce((sum, { size }) => sum + size, 0);
    if (output.json) {
      const steps = Object.entries({ push, index, again, ...(read && { read }) });
      await output.writeJson({
        source: source.text,
        image: round.image.text,
        converted: round.converted.text,
        kept: kept.text,
        ...generated.answer,
        verified: { valid: proof.verification.outcome === 'valid', ...countRead(proof.verification) },
        steps: Object.fromEntries(steps.map(([name, step]) => [name, stepAsJson(step)])),
        events: workflow.traces().map(traceAsJson),
        inventory,
        reading: proof.costs,
      });
    } else if (output.quiet) {
      await output.writeLine(root?.digest ?? '');
    } else {
      if (cost && read) await tellReading(cost, read, imageSize, output);
      await printEvents(workflow.traces(), output);
      await printInventory(REPOSITORY, inventory, output);
      await printLayers(proof, titles, minLayerSize, output);
      await printCosts(imageSize, proof.costs, output);
      await suggestNext(kept.transport === 'registry' ? kept.text : kept.path, cost?.name, output);
    }
    return proof.verification.outcome === 'valid' ? EXIT.SUCCESS : EXIT.FAILED;
  } finally {
    await workflow.stop();
  }

  async function tellPushed(trace: EventTrace, step: RegistryStep): Promise<void> {
    await tellEvent(trace, output);
    for (const run of trace.filter) await tellFilter(run, output);
    for (const run of trace.generator) await tellGenerator(run, step, output);
  }

  /** Ends where no index was made. */
  async function endWithout(run: Run<GeneratorAnswer> | undefined): Promise<ExitCode> {
    const answer = run?.answer;
    if (output.json) {
      await output.writeJson({ source: source.text, ...(answer ?? { outcome: 'failed', reason: 'try-again' }) });
    } else if (!output.quiet) {
      await printEvents(workflow.traces(), output);
      if (answer?.outcome === 'skipped' && answer.reason === 'layers-too-small') {
        await output.writeLine();
        await output.writeLine('With --min-layer-size 0 small layers are indexed too; it seldom pays.');
      }
    }
    if (answer === undefined) for (const line of run?.invocation.log ?? []) await output.note(line);
    return answer?.outcome === 'skipped' ? EXIT.NOTHING_TO_INDEX : EXIT.FAILED;
  }
}

function stepAsJson({ seconds, ...traffic }: RegistryStep): object {
  return { ...traffic, seconds: Number(seconds.toFixed(3)) };
}

function traceAsJson({ event, rules, filter, generator }: EventTrace): object {
  return { event, rules, filter: filter.map(runAsJson), generator: generator.map(runAsJson) };
}

function runAsJson({ invocation, answer }: Run<unknown>): object {
  const { requestId, attempt, outcome, initMilliseconds, milliseconds, maxMemory } = invocation;
  return {
    requestId,
    attempt,
    status: outcome.status,
    ...(answer !== undefined && { answer }),
    ...(initMilliseconds !== undefined && { initMilliseconds: Math.round(initMilliseconds) }),
    milliseconds: Math.round(milliseconds),
    ...(maxMemory !== undefined && { maxMemory }),
  };
}

/** Of the events of a push, the one with the tag: it comes last. */
function traceOfPush(traces: readonly EventTrace[]): EventTrace {
  const trace = traces.find(({ event }) => event.detail['image-tag'] === 'latest');
  if (trace === undefined) throw new Error('the registry has raised no event of the push');
  return trace;
}

const LOOK_MILLISECONDS = 200;

/** Shows how much the generator, of whose work only the registry knows, has read of about `total` bytes. */
async function watchReading<T>(
  round: RepositoryRound,
  total: number,
  output: Output,
  work: () => Promise<T>,
): Promise<T> {
  const progress = output.openProgress();
  const timer = setInterval(() => {
    const done = Math.min(total, round.traffic().bytesOut);
    progress.update({ done, total, detail: `the generator reads, ${formatBytes(done)} of ${formatBytes(total)}` });
  }, LOOK_MILLISECONDS);
  try {
    return await work();
  } finally {
    clearInterval(timer);
    progress.close();
  }
}
