import type { ECRClientConfig } from '@aws-sdk/client-ecr';
import { type CallOptions, OciError } from '@soci/oci';
import { RegistryError } from '@soci/registry';
import { type AwsOptions, describeAwsFailure, type EcrClient, openEcrClient } from './aws-client.ts';
import type { EcrHost } from './ecr-host.ts';

/** Maximum number of pages of a list. Pages have up to 1,000 entries; the default quota is 100,000 images. */
const MAX_PAGES = 1000;

/** Options of {@link openEcrApi}. */
export interface EcrApiOptions extends AwsOptions {
  /** Account and Region of the registry, and which endpoint of the API to use. */
  readonly registry: Pick<EcrHost, 'account' | 'region'> & Partial<Pick<EcrHost, 'dualStack' | 'fips'>>;
}

/** Options of one call. */
export interface EcrCall extends CallOptions {
  /** Repository of the call, for errors. @default none: the call concerns the registry */
  readonly repository?: string;
  /** The required permission, such as `ecr:ListImages`. */
  readonly permission: string;
}

/** Options of `ECRClient.send`. */
export interface SendOptions {
  readonly abortSignal?: AbortSignal;
}

/** The ECR API of one private registry. */
export interface EcrApi {
  /** Returns the parameters that identify a repository. */
  repository(name: string): { readonly registryId: string; readonly repositoryName: string };
  /** The parameter that identifies the registry. */
  readonly registryId: string;
  /**
   * Sends a call. The AWS SDK is loaded with the first one.
   *
   * @throws OciError `NOT_FOUND` if the repository does not exist; RegistryError as {@link describeAwsFailure}; the
   * signal's reason
   */
  call<Output>(call: EcrCall, send: (client: EcrClient, options: SendOptions) => Promise<Output>): Promise<Output>;
}

/** Returns the ECR API of a registry. @param config - Settings of the client. */
export function openEcrApi(
  { registry, ...options }: EcrApiOptions,
  config: Pick<ECRClientConfig, 'maxAttempts'> = {},
): EcrApi {
  const { account, region, fips = false, dualStack = false } = registry;
  let opened: Promise<EcrClient> | undefined;
  return {
    registryId: account,
    repository: (repositoryName) => ({ registryId: account, repositoryName }),
    async call({ repository, permission, signal }, send) {
      signal?.throwIfAborted();
      try {
        opened ??= openEcrClient(
          region,
          { ...(fips && { fips }), ...(dualStack && { dualStack }), ...options },
          config,
        );
        return await send(await opened, { ...(signal && { abortSignal: signal }) });
      } catch (error) {
        signal?.throwIfAborted();
        if ((error as Error).name === 'RepositoryNotFoundException') {
          throw new OciError('NOT_FOUND', `repository ${repository} of account ${account} does not exist in ${region}`);
        }
        throw describeAwsFailure(error, {
          target: `${account} in ${region}`,
          permission,
          ...(repository !== undefined && { resource: repository }),
        });
      }
    },
  };
}

/**
 * Reads a list to its end.
 *
 * @param name - The call, for errors.
 * @throws RegistryError `RESPONSE_INVALID` if a token occurs twice; `LIMIT_EXCEEDED` for too many pages
 */
export async function* readPages<Page extends { readonly nextToken?: string | undefined }>(
  name: string,
  read: (nextToken: string | undefined) => Promise<Page>,
): AsyncGenerator<Page, void, undefined> {
  const seen = new Set<string>();
  let nextToken: string | undefined;
  do {
    const page = await read(nextToken);
    yield page;
    nextToken = page.nextToken;
    if (nextToken === undefined) return;
    if (seen.has(nextToken)) {
      throw new RegistryError('RESPONSE_INVALID', `${name} returned the token of a page that was read before`);
    }
    seen.add(nextToken);
  } while (seen.size < MAX_PAGES);
  throw new RegistryError('LIMIT_EXCEEDED', `${name} returned more than ${MAX_PAGES} pages`);
}
