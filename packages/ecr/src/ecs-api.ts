import type { ECSClient } from '@aws-sdk/client-ecs';
import { type CallOptions, OciError } from '@soci/oci';
import { RegistryError } from '@soci/registry';
import { type AwsOptions, awsClientOptions, describeAwsFailure, loadSdk } from './aws-client.ts';
import type { SendOptions } from './ecr-api.ts';

/** Attempts of a throttled call. */
const MAX_ATTEMPTS = 10;

/** Options of {@link openEcs}. */
interface EcsOptions extends AwsOptions, CallOptions {
  /** Region of the cluster. @default the Region in the ARN of the cluster, otherwise that of the SDK's configuration */
  readonly region?: string;
}

type Send = <Output>(
  action: string,
  send: (client: ECSClient, options: SendOptions) => Promise<Output>,
) => Promise<Output>;

/** Returns the API of Amazon ECS in the Region of a cluster. The AWS SDK is loaded. */
export async function openEcs(cluster: string, { signal, region, ...options }: EcsOptions) {
  signal?.throwIfAborted();
  const sdk = await loadSdk(() => import('./ecs-sdk.ts'));
  const place = region ?? /^arn:[^:]+:ecs:([a-z\d-]+):/.exec(cluster)?.[1];
  const api = `https://ecs.${place ?? 'us-east-1'}.amazonaws.com`;
  const { region: _, ...common } = awsClientOptions(api, place ?? '', options);
  const client = new sdk.ECSClient({
    ...common,
    ...(place !== undefined && { region: place }),
    maxAttempts: MAX_ATTEMPTS,
  });
  const send: Send = async (action, use) => {
    signal?.throwIfAborted();
    try {
      return await use(client, { ...(signal && { abortSignal: signal }) });
    } catch (error) {
      signal?.throwIfAborted();
      if ((error as Error).name === 'ClusterNotFoundException') {
        const remedy = 'check its name, the Region and the account';
        throw new OciError('NOT_FOUND', `the Amazon ECS cluster ${cluster} does not exist: ${remedy}`);
      }
      throw describeAwsFailure(error, { target: `the Amazon ECS cluster ${cluster}`, permission: `ecs:${action}` });
    }
  };
  return { sdk, send };
}

/** @throws RegistryError `RESPONSE_INVALID`, except for a task or service that ended after it was listed */
export function checkFailures(
  action: string,
  failures: readonly { readonly arn?: string | undefined; readonly reason?: string | undefined }[] = [],
): void {
  const failure = failures.find(({ reason }) => reason !== 'MISSING');
  if (failure === undefined) return;
  throw new RegistryError('RESPONSE_INVALID', `${action} cannot describe ${failure.arn}: ${failure.reason}`);
}
