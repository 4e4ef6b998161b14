import {
  type CommandContext,
  countRead,
  type DestinationLocation,
  EXIT,
  type ExitCode,
  type ImageLocation,
  type RegistryAccess,
} from '@soci/cli/internal';
import type { GeneratorResponse } from '@soci/functions';
import type { TestRegistry } from '@soci/test-registry';
import { DemoRepository, REPOSITORY, type RegistryTraffic } from './demo-repository.ts';
import { listInventory } from './inventory.ts';
import { pushAndIndex, traceOfPush } from './push-and-index.ts';
import { printDeployment, printGeneratorEvents, printRead, printRepeat, printVerification } from './report/steps.ts';
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
    const { push, index, traces, pushed, generated } = await pushAndIndex(
      source,
      access,
      repository,
      workflow,
      context,
    );
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
