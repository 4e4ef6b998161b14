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
  openEcrClient,
} from './aws-client.ts';
import { type EcrHost, isEcrPublicHost, parseEcrHost } from './ecr-host.ts';

/** The one region whose API gives tokens of ECR Public. docs.aws.amazon.com/AmazonECR/latest/public/public-registry-auth.html */
const ECR_PUBLIC_REGION = 'us-east-1';

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
  const clients = new Map<string, Promise<EcrClient>>();
  return async (host, query) => {
    const registry = parseEcrHost(host) ?? (options.registry?.host === host ? options.registry : undefined);
    if (registry === undefined) return undefined;
    const { account, region, fips = false, dualStack = false }: Partial<EcrHost> & typeof registry = registry;
    // Accounts in one region share a client: its connections, and the AWS credentials that it found.
    const endpoint = `${region}${fips ? ', FIPS' : ''}${dualStack ? ', dual stack' : ''}`;
    const key = `${account} in ${endpoint}`;
    const request = tokenRequest(key, { host, permission: 'ecr:GetAuthorizationToken' }, async (abortSignal) => {
      const opened =
        clients.get(endpoint) ??
        openEcrClient(region, { ...(fips && { fips }), ...(dualStack && { dualStack }), ...options });
      clients.set(endpoint, opened);
      const { sdk, client } = await opened;
      const command = new sdk.GetAuthorizationTokenCommand({ registryIds: [account] });
      return (await client.send(command, { abortSignal })).authorizationData?.[0];
    });
    return await tokens.find(key, request, query);
  };
}

/**
 * Finds credentials for ECR Public, which trades them for Bearer tokens; undefined for other hosts. Whoever only pulls
 * needs none, and is better off where the lack of AWS credentials is taken for "anonymous".
 *
 * The SDK is loaded with the first token: some 50 ms and 25 MB, as for private registries.
 *
 * Its provider throws what the one of `ecrCredentials` throws.
 */
export function ecrPublicCredentials(options: AwsOptions = {}): CredentialProvider {
  const tokens = new CredentialCache(options.now);
  let opened: ReturnType<typeof openEcrPublicClient> | undefined;
  return async (host, query) => {
    if (!isEcrPublicHost(host)) return undefined;
    const key = 'ECR Public';
    const permission = 'ecr-public:GetAuthorizationToken with sts:GetServiceBearerToken';
    const request = tokenRequest(key, { host, permission }, async (abortSignal) => {
      opened ??= openEcrPublicClient(options);
      const { sdk, client } = await opened;
      return (await client.send(new sdk.GetAuthorizationTokenCommand({}), { abortSignal })).authorizationData;
    });
    return await tokens.find(key, request, query);
  };
}

async function openEcrPublicClient(options: AwsOptions) {
  const sdk = await import('@aws-sdk/client-ecr-public');
  const api = `https://api.ecr-public.${ECR_PUBLIC_REGION}.amazonaws.com`;
  return { sdk, client: new sdk.ECRPUBLICClient(awsClientOptions(api, ECR_PUBLIC_REGION, options)) };
}

/** A call of GetAuthorizationToken whose failure is told with its remedy. @param key - What the token is for. */
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

/** What `GetAuthorizationToken` answers, of ECR and of ECR Public. Its token is the Base64 of `NAME:PASSWORD`. */
type AuthorizationData = Pick<EcrAuthorizationData, 'authorizationToken' | 'expiresAt'>;

/** Reads the name and password out of an answer. @throws RegistryError `RESPONSE_INVALID` */
function readAuthorization(data: AuthorizationData | undefined, registry: string): PasswordCredentials {
  const { authorizationToken = '', expiresAt } = data ?? {};
  const text = Buffer.from(authorizationToken, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  if (colon < 1) {
    throw new RegistryError('RESPONSE_INVALID', `GetAuthorizationToken answered without a token for ${registry}`);
  }
  const [username, password] = [text.slice(0, colon), text.slice(colon + 1)];
  return { kind: 'password', username, password, ...(expiresAt && { expiresAt }) };
}
