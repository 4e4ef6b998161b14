import type { AuthorizationData as EcrAuthorizationData } from '@aws-sdk/client-ecr';
import {
  CredentialCache,
  type CredentialProvider,
  type PasswordCredentials,
  type PasswordRequest,
  RegistryError,
} from '@soci/registry';
import {
  type AwsCall,
  type AwsOptions,
  awsClientOptions,
  describeAwsFailure,
  type EcrClient,
  loadSdk,
  openEcrClient,
} from './aws-client.ts';
import { type EcrHost, isEcrPublicHost, parseEcrHost } from './ecr-host.ts';

/**
 * The only Region whose API issues tokens for ECR Public.
 * docs.aws.amazon.com/AmazonECR/latest/public/public-registry-auth.html
 */
const ECR_PUBLIC_REGION = 'us-east-1';

/** Options of {@link ecrCredentials}. */
export interface EcrCredentialsOptions extends AwsOptions {
  /**
   * A host that serves an ECR registry although its name does not show it, such as a proxy, a custom domain or an
   * emulator, with the account and Region of the registry. ECR credentials are sent to it.
   *
   * @default only hosts with an ECR name get credentials
   */
  readonly registry?: Pick<EcrHost, 'account' | 'region'> & { readonly host: string };
}

/**
 * Returns a provider of credentials for private ECR registries, from GetAuthorizationToken. It returns undefined for
 * other hosts. Tokens are cached per account and Region until shortly before they expire, and renewed when the registry
 * rejects one.
 *
 * The AWS SDK is loaded with the first token, which takes about 60 ms and 27 MB (client-ecr 3.1169, Node 24, 2 cores).
 * Users of other registries do not load it.
 *
 * The provider throws RegistryError `AUTHENTICATION_FAILED`, `ACCESS_DENIED`, `CONNECTION_FAILED`, `RATE_LIMITED`,
 * `RESPONSE_INVALID`, `SDK_UNAVAILABLE` or `SERVER_FAILED`, or the signal's reason.
 */
export function ecrCredentials(options: EcrCredentialsOptions = {}): CredentialProvider {
  const tokens = new CredentialCache(options.now);
  const clients = new Map<string, Promise<EcrClient>>();
  return async (host, query) => {
    const registry = parseEcrHost(host) ?? (options.registry?.host === host ? options.registry : undefined);
    if (registry === undefined) return undefined;
    const { account, region, fips = false, dualStack = false }: Partial<EcrHost> & typeof registry = registry;
    // Accounts in a Region share a client, with its connections and AWS credentials.
    const endpoint = `${region}${fips ? ', FIPS' : ''}${dualStack ? ', dual stack' : ''}`;
    const key = `${account} in ${endpoint}`;
    const request = tokenRequest(
      key,
      { target: host, host, permission: 'ecr:GetAuthorizationToken' },
      async (abortSignal) => {
        const opened =
          clients.get(endpoint) ??
          openEcrClient(region, { ...(fips && { fips }), ...(dualStack && { dualStack }), ...options });
        clients.set(endpoint, opened);
        const { sdk, client } = await opened;
        const command = new sdk.GetAuthorizationTokenCommand({ registryIds: [account] });
        return (await client.send(command, { abortSignal })).authorizationData?.[0];
      },
    );
    return await tokens.find(key, request, query);
  };
}

/**
 * Returns a provider of credentials for ECR Public, which exchanges them for Bearer tokens. It returns undefined for
 * other hosts. Pulling needs no credentials, so callers that only pull should treat missing AWS credentials as
 * anonymous access.
 *
 * The AWS SDK is loaded with the first token, which takes about 50 ms and 25 MB.
 *
 * The provider throws the same errors as that of {@link ecrCredentials}.
 */
export function ecrPublicCredentials(options: AwsOptions = {}): CredentialProvider {
  const tokens = new CredentialCache(options.now);
  let opened: ReturnType<typeof openEcrPublicClient> | undefined;
  return async (host, query) => {
    if (!isEcrPublicHost(host)) return undefined;
    const key = 'ECR Public';
    const permission = 'ecr-public:GetAuthorizationToken with sts:GetServiceBearerToken';
    const request = tokenRequest(key, { target: host, host, permission }, async (abortSignal) => {
      opened ??= openEcrPublicClient(options);
      const { sdk, client } = await opened;
      return (await client.send(new sdk.GetAuthorizationTokenCommand({}), { abortSignal })).authorizationData;
    });
    return await tokens.find(key, request, query);
  };
}

async function openEcrPublicClient(options: AwsOptions) {
  const sdk = await loadSdk(() => import('./ecr-public-sdk.ts'));
  const api = `https://api.ecr-public.${ECR_PUBLIC_REGION}.amazonaws.com`;
  return { sdk, client: new sdk.ECRPUBLICClient(awsClientOptions(api, ECR_PUBLIC_REGION, options)) };
}

/** Returns a call of GetAuthorizationToken that converts failures. @param key - Describes the registry in errors. */
function tokenRequest(
  key: string,
  call: AwsCall,
  send: (signal: AbortSignal) => Promise<AuthorizationData | undefined>,
): PasswordRequest {
  return async (signal) => {
    try {
      return readAuthorization(await send(signal), key);
    } catch (error) {
      throw describeAwsFailure(error, call);
    }
  };
}

/**
 * The result of `GetAuthorizationToken` of ECR and ECR Public. The token is the Base64 encoding of `USERNAME:PASSWORD`.
 */
type AuthorizationData = Pick<EcrAuthorizationData, 'authorizationToken' | 'expiresAt'>;

/** Returns the user name and password of a token. @throws RegistryError `RESPONSE_INVALID` */
function readAuthorization(data: AuthorizationData | undefined, registry: string): PasswordCredentials {
  const { authorizationToken = '', expiresAt } = data ?? {};
  const text = Buffer.from(authorizationToken, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  if (colon < 1) {
    throw new RegistryError('RESPONSE_INVALID', `GetAuthorizationToken returned no valid token for ${registry}`);
  }
  const [username, password] = [text.slice(0, colon), text.slice(colon + 1)];
  return { kind: 'password', username, password, ...(expiresAt && { expiresAt }) };
}
