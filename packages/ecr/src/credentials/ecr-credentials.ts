import type { ECRClient } from '@aws-sdk/client-ecr';
import { type AwsOptions, awsClientOptions } from './aws-client-options.ts';
import { describeAwsFailure } from './aws-failure.ts';
import { AwsTokenCache } from './aws-token-cache.ts';
import type { CredentialProvider } from './credentials.ts';
import { type EcrHost, parseEcrHost } from './ecr-host.ts';

/** Options of {@link ecrCredentials}. */
export interface EcrCredentialsOptions extends AwsOptions {
  /**
   * A further host that is ECR though its name does not say so: a proxy, a name of one's own, an emulator; and whose
   * registry it is. It is given tokens as ECR is.
   *
   * @default hosts that are not named as ECR names them get no credentials
   */
  readonly registry?: Pick<EcrHost, 'account' | 'region'> & { readonly host: string };
}

type EcrSdk = typeof import('./ecr-sdk.ts');

/**
 * Finds credentials for private ECR registries, by GetAuthorizationToken of the AWS SDK; undefined for other hosts. A
 * token is kept for each account and region until shortly before it ends, and renewed when the registry refuses it.
 *
 * The SDK is loaded with the first token: some 60 ms and 27 MB (client-ecr 3.1169, Node 24, 2 cores), which users of other
 * registries do not pay.
 *
 * Its provider throws RegistryError `AUTHENTICATION_FAILED`, `ACCESS_DENIED`, `CONNECTION_FAILED`, `RATE_LIMITED`,
 * `RESPONSE_INVALID`, `SERVER_FAILED`, each with its remedy; or the signal's reason.
 */
export function ecrCredentials(options: EcrCredentialsOptions = {}): CredentialProvider {
  const tokens = new AwsTokenCache(options.now ?? Date.now);
  const clients = new Map<string, Promise<{ readonly sdk: EcrSdk; readonly client: ECRClient }>>();
  return async (host, query) => {
    const registry = parseEcrHost(host) ?? (options.registry?.host === host ? options.registry : undefined);
    if (registry === undefined) return undefined;
    const { account } = registry;
    const clientKey = describeEndpoint(registry);
    return await tokens.find(
      `${account} in ${clientKey}`,
      async (signal) => {
        try {
          let client = clients.get(clientKey);
          if (client === undefined) {
            client = createClient(registry, options);
            clients.set(clientKey, client);
          }
          const { sdk, client: ecr } = await client;
          const answer = await ecr.send(new sdk.GetAuthorizationTokenCommand({ registryIds: [account] }), {
            abortSignal: signal,
          });
          return answer.authorizationData?.[0];
        } catch (error) {
          throw describeAwsFailure(error, { host, permission: 'ecr:GetAuthorizationToken' });
        }
      },
      query,
    );
  };
}

/** Accounts in one region share a client: its connections, and the AWS credentials that it found. */
function describeEndpoint({ region, fips = false, dualStack = false }: Partial<EcrHost>): string {
  return `${region}${fips ? ', FIPS' : ''}${dualStack ? ', dual stack' : ''}`;
}

async function createClient(
  { region, fips, dualStack }: Pick<EcrHost, 'region'> & Partial<EcrHost>,
  options: EcrCredentialsOptions,
): Promise<{ readonly sdk: EcrSdk; readonly client: ECRClient }> {
  const sdk = await import('./ecr-sdk.ts');
  const named = { ...(fips === true ? { fips } : {}), ...(dualStack === true ? { dualStack } : {}) };
  const client = new sdk.ECRClient(
    awsClientOptions(`https://api.ecr.${region}.amazonaws.com`, region, { ...named, ...options }),
  );
  return { sdk, client };
}
