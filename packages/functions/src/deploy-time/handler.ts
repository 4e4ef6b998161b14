import { type EcrImages, openEcrImages } from '@soci/ecr';
import type { CloudFormationRequest } from '../cloudformation/send-response.ts';
import { invokeFunction } from '../filter/invoke-function.ts';
import { RegistryPool } from '../generator/registry-pool.ts';
import { type LambdaContext, locationOf, openLog } from '../invocation.ts';
import { type BackgroundRequest, type DeployContext, handleBackground, handleRequest } from './handle-request.ts';

/** Delay before the second attempt, in milliseconds. */
const RETRY_DELAY = 5000;

const log = openLog('soci-indexed-image');
// Connections and tokens are reused by later invocations.
let registries: RegistryPool | undefined;
let images: EcrImages | undefined;

/** Lambda handler for a request of CloudFormation or an event that the function sent to itself. */
export async function handler(event: CloudFormationRequest | BackgroundRequest, context: LambdaContext): Promise<void> {
  log.begin(context);
  const location = locationOf(context);
  images ??= openEcrImages({ registry: location });
  const dependencies: DeployContext = {
    environment: process.env,
    milliseconds: context.getRemainingTimeInMillis(),
    log,
    openRepository: (settings, name) => {
      registries ??= new RegistryPool(settings, log);
      return registries.open(location, name);
    },
    images,
    invokeSelf: (payload) => invokeFunction(context.invokedFunctionArn, payload),
    pause: RETRY_DELAY,
  };
  await (event.RequestType === 'Later' ? handleBackground(event, dependencies) : handleRequest(event, dependencies));
}
