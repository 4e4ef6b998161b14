import type { ECRClient } from '@aws-sdk/client-ecr';
import { CredentialCache, type CredentialProvider, type PasswordCredentials, RegistryError } from '@soci/registry';
import { type AwsOptions, awsClientOptions } from './aws-client-options.ts';
import { describeAwsFailure } from './aws-failure.ts';
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
  const tokens = new CredentialCache(options.now);
  const clients = new Map<string, Promise<{ readonly sdk: EcrSdk; readonly client: ECRClient }>>();
  return async (host, query) => {
    const registry = parseEcrHost(host) ?? (options.registry?.host === host ? options.registry : undefined);
    if (registry === undefined) return undefined;
    const { account } = registry;
    const clientKey = describeEndpoint(registry);
    const key = `${account} in ${clientKey}`;
    return await tokens.find(
      key,
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
          return readAuthorization(answer.authorizationData?.[0], key);
        } catch (error) {
          throw describeAwsFailure(error, { host, permission: 'ecr:GetAuthorizationToken' });
        }
      },
      query,
    );
  };
}

/** What `GetAuthorizationToken` answers, of ECR and of ECR Public. */
interface AuthorizationData {
  /** Base64 of `NAME:PASSWORD`. */
  readonly authorizationToken?: string | undefined;
  readonly expiresAt?: Date | undefined;
}

/**
 * Reads the name and password out of an answer.
 *
 * @param registry - What they are for, for the error message.
 * @throws RegistryError `RESPONSE_INVALID`
 */
export function readAuthorization(
  { authorizationToken = '', expiresAt }: AuthorizationData = {},
  registry: string,
): PasswordCredentials {
  const text = Buffer.from(authorizationToken, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  if (colon < 1) {
    throw new RegistryError('RESPONSE_INVALID', `GetAuthorizationToken answered without a token for ${registry}`);
  }
  const [username, password] = [text.slice(0, colon), text.slice(colon + 1)];
  return { kind: 'password', username, password, ...(expiresAt && { expiresAt }) };
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
