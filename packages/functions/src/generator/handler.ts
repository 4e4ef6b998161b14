import { setFlagsFromString } from 'node:v8';
import { readGeneratorSettings } from '../environment/generator-settings.ts';
import { type LambdaContext, locationOf, openLog } from '../invocation.ts';
import { type GeneratorAnswer, type GeneratorParts, generate } from './generate.ts';
import { openMetrics } from './metrics.ts';
import { RegistryPool } from './registry-pool.ts';

// Left to itself, V8 lets the space for new objects grow to 64 MB on account of what stays anyway, the entries of a zTOC until
// that is written, and gains nothing.
setFlagsFromString('--semi-space-growth-factor=1');

// Once an execution environment: what is wrong with the settings is known before the first event, and connections and
// tokens outlive an invocation.
const settings = readGeneratorSettings(process.env);
const log = openLog('soci-index-generator');
const metrics = openMetrics('soci-index-generator');
const registries = new RegistryPool(settings, log);
const { eventBus } = settings;
const announce: GeneratorParts['announce'] =
  eventBus === undefined
    ? undefined
    : async (event, indexed) => {
        const { announceIndex } = await import('./announce.ts');
        await announceIndex(eventBus, event, indexed);
      };

/** Lambda's way in: an event of Amazon ECR, as the filtering function has got it. */
export async function handler(event: unknown, context: LambdaContext): Promise<GeneratorAnswer> {
  log.begin(context);
  const milliseconds = context.getRemainingTimeInMillis();
  return generate(event, { settings, location: locationOf(context), milliseconds, log, metrics, registries, announce });
}
