import type { CallOptions } from '@soci/oci';
import { loadSdk } from './aws-client.ts';
import { type EcrApiOptions, openEcrApi } from './ecr-api.ts';

/**
 * Returns the lifecycle policy of a repository as JSON, or undefined if it has none. Requires `ecr:GetLifecyclePolicy`.
 *
 * @throws OciError `NOT_FOUND` if the repository does not exist; RegistryError as documented by {@link ecrCredentials};
 * the signal's reason
 */
export async function readLifecyclePolicy(
  repository: string,
  options: EcrApiOptions & CallOptions,
): Promise<string | undefined> {
  const { signal, ...apiOptions } = options;
  const api = openEcrApi(apiOptions);
  const call = { repository, permission: 'ecr:GetLifecyclePolicy', ...(signal && { signal }) };
  return api.call(call, async ({ client }, send) => {
    const { GetLifecyclePolicyCommand } = await loadSdk(() => import('./ecr-catalog-sdk.ts'));
    try {
      return (await client.send(new GetLifecyclePolicyCommand(api.repository(repository)), send)).lifecyclePolicyText;
    } catch (error) {
      if ((error as Error).name === 'LifecyclePolicyNotFoundException') return undefined;
      throw error;
    }
  });
}
