import { type EcrImages, openEcrImages } from '@soci/ecr';
import type { CloudFormationRequest } from '../cloudformation/answer-cloudformation.ts';
import { RegistryPool } from '../generator/registry-pool.ts';
import { type LambdaContext, locationOf, openLog } from '../invocation.ts';
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
    invokeLater: async (payload) => {
      const { invokeFunction } = await import('../filter/invoke-function.ts');
      return invokeFunction(context.invokedFunctionArn, payload);
    },
    pause: PAUSE,
  };
  await (event.RequestType === 'Later' ? handleLater(event, parts) : handleRequest(event, parts));
}
