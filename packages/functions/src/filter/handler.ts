import { readFilterSettings } from '../environment/filter-settings.ts';
import { type LambdaContext, locationOf } from '../lambda-context.ts';
import { openLog } from '../telemetry/logger.ts';
import type { FilterAnswer } from './answer.ts';
import { filterEvent } from './filter-event.ts';
import { generatorInvoker } from './invoke-generator.ts';

// Once an execution environment: what is wrong with the settings is known before the first event.
const settings = readFilterSettings(process.env);
const log = openLog('soci-index-filter');
const invoke = generatorInvoker(settings.generatorArn);

/** Lambda's way in: an event of Amazon ECR, by EventBridge. */
export async function handler(event: unknown, context: LambdaContext): Promise<FilterAnswer> {
  log.begin(context);
  return filterEvent(event, { settings, location: locationOf(context), log, invoke });
}
