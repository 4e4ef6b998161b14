import { readFilterSettings } from '../environment/filter-settings.ts';
import { type LambdaContext, locationOf, openLog } from '../invocation.ts';
import { type Delivery, type FilterResponse, filterEvent } from './filter-event.ts';
import { invokeFunction } from './invoke-function.ts';
import { sendMessage } from './send-message.ts';

// Read once for each execution environment: invalid settings fail at start, before the first event.
const settings = readFilterSettings(process.env);
const log = openLog('soci-index-filter');
const { generatorArn, queueUrl } = settings;
const delivery: Delivery =
  queueUrl === undefined
    ? { to: 'function', deliver: (event) => invokeFunction(generatorArn, event) }
    : { to: 'queue', deliver: (event) => sendMessage(queueUrl, event) };

/** Lambda handler for events of Amazon ECR from EventBridge. */
export async function handler(event: unknown, context: LambdaContext): Promise<FilterResponse> {
  log.begin(context);
  return filterEvent(event, { settings, location: locationOf(context), log, delivery });
}
