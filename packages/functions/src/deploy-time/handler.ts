import { type EcrImages, openEcrImages } from '@soci/ecr';
import type { CloudFormationRequest } from '../cloudformation/answer-cloudformation.ts';
import { generatorInvoker } from '../filter/invoke-generator.ts';
import { RegistryPool } from '../generator/registry-pool.ts';
import { type LambdaContext, locationOf } from '../lambda-context.ts';
import { openLog } from '../telemetry/logger.ts';
import { type DeployParts, handleLater, handleRequest, type LaterRequest } from './handle-request.ts';

/** Milliseconds before something is tried a second time. */
const PAUSE = 5000;

const log = openLog('soci-indexed-image');
// Connections and tokens outlive an invocation.
let registries: RegistryPool | undefined;
let images: EcrImages | undefined;

/** Lambda's way in: a request of CloudFormation, or what the function has left for itself. */
export async function handler(event: CloudFormationRequest | LaterRequest, context: LambdaContext): Promise<void> {
  log.begin(context);
  const location = locationOf(context);
  images ??= openEcrImages({ registry: location });
  const parts: DeployParts = {
    environment: process.env,
    milliseconds: context.getRemainingTimeInMillis(),
    log,
    openRepository: (settings, name) => {
      registries ??= new RegistryPool(settings, log);
      return registries.open(location, name);
    },
    images,
    invokeLater: generatorInvoker(context.invokedFunctionArn),
    pause: PAUSE,
  };
  await (event.RequestType === 'Later' ? handleLater(event, parts) : handleRequest(event, parts));
}
