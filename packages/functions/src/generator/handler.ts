import { setFlagsFromString } from 'node:v8';
import { readGeneratorSettings } from '../environment/generator-settings.ts';
import { type LambdaContext, locationOf, openLog } from '../invocation.ts';
import { type GeneratorContext, type GeneratorResponse, generate } from './generate.ts';
import { openMetrics } from './metrics.ts';
import { RegistryPool } from './registry-pool.ts';

// By default, V8 grows the young generation to 64 MB because the entries of a zTOC survive until it is written. This does not
// make the function faster.
setFlagsFromString('--semi-space-growth-factor=1');

// Created once for each execution environment: invalid settings fail at start, and connections and tokens are reused.
const settings = readGeneratorSettings(process.env);
const log = openLog('soci-index-generator');
const metrics = openMetrics('soci-index-generator');
const registries = new RegistryPool(settings, log);
const { eventBus } = settings;
const announce: GeneratorContext['announce'] =
  eventBus === undefined
    ? undefined
    : async (event, indexed) => {
        const { announceIndex } = await import('./announce.ts');
        await announceIndex(eventBus, event, indexed);
      };

/** Lambda handler for events of Amazon ECR from the filter function. */
export async function handler(event: unknown, context: LambdaContext): Promise<GeneratorResponse> {
  log.begin(context);
  const milliseconds = context.getRemainingTimeInMillis();
  return generate(event, { settings, location: locationOf(context), milliseconds, log, metrics, registries, announce });
}
