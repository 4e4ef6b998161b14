import type { ECRClient, ECRClientConfig } from '@aws-sdk/client-ecr';
import { createProxyAgent, type Environment, RegistryError, type RegistryErrorCode } from '@soci/registry';

/** Timeout for connecting to AWS, in milliseconds. */
const CONNECT_TIMEOUT = 10_000;

/** Timeout of one attempt of an AWS call, in milliseconds. GetAuthorizationToken takes a few hundred. */
const DEFAULT_TIMEOUT = 20_000;

/** Options of calls to the AWS APIs. Missing options are determined by the AWS SDK. */
export interface AwsOptions {
  /**
   * AWS credentials, or a function that returns them.
   *
   * @default the default provider chain of the SDK: environment, profile, SSO, role
   */
  readonly credentials?: NonNullable<ECRClientConfig['credentials']>;
  /** URL of the API, for a VPC endpoint or an emulator. @default the endpoint of the Region */
  readonly endpoint?: string;
  /**
   * Use the FIPS endpoint of the API.
   *
   * @default according to the host name of the registry, otherwise to the configuration of the SDK
   */
  readonly fips?: boolean;
  /**
   * Use the dual-stack endpoint of the API.
   *
   * @default according to the host name of the registry, otherwise to the configuration of the SDK
   */
  readonly dualStack?: boolean;
  /** Timeout of one attempt of a call, in milliseconds. The SDK makes three attempts, a catalog ten. @default 20,000 */
  readonly timeout?: number;
  /**
   * Environment variables for proxies: `HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY`. The SDK itself reads `process.env`.
   *
   * @default `process.env`
   */
  readonly env?: Environment;
  /** Returns the current time in milliseconds since 1970. @default `Date.now` */
  readonly now?: () => number;
}

/**
 * Returns the configuration of an SDK client.
 *
 * @param api - URL of the API if no endpoint is given, to select a proxy.
 */
export function awsClientOptions(api: string, region: string, options: AwsOptions): AwsClientOptions {
  const { credentials, endpoint, fips, dualStack, env = process.env, timeout = DEFAULT_TIMEOUT } = options;
  const httpsAgent = createProxyAgent(new URL(endpoint ?? api), { env, connectTimeout: CONNECT_TIMEOUT });
  return {
    region,
    ...(credentials && { credentials }),
    ...(endpoint !== undefined && { endpoint }),
    // The SDK rejects these options together with an endpoint. If they are not set, the configuration of the SDK
    // applies.
    ...(endpoint === undefined && fips !== undefined && { useFipsEndpoint: fips }),
    ...(endpoint === undefined && dualStack !== undefined && { useDualstackEndpoint: dualStack }),
    requestHandler: {
      connectionTimeout: CONNECT_TIMEOUT,
      requestTimeout: timeout,
      throwOnRequestTimeout: true,
      // The SDK itself does not support proxy variables.
      ...(httpsAgent && { httpsAgent }),
    },
  };
}

/** The loaded AWS SDK for Amazon ECR, and a client. */
export interface EcrClient {
  readonly sdk: typeof import('./ecr-sdk.ts');
  readonly client: ECRClient;
}

/** Loads the AWS SDK, and creates a client of the ECR API in a Region. @param config - Further settings. */
export async function openEcrClient(
  region: string,
  options: AwsOptions,
  config: Pick<ECRClientConfig, 'maxAttempts'> = {},
): Promise<EcrClient> {
  const sdk = await loadSdk(() => import('./ecr-sdk.ts'));
  const api = `https://api.ecr.${region}.amazonaws.com`;
  return { sdk, client: new sdk.ECRClient({ ...awsClientOptions(api, region, options), ...config }) };
}

/**
 * Loads a part of the AWS SDK, which a bundle may lack.
 *
 * @throws RegistryError `SDK_UNAVAILABLE`
 */
export async function loadSdk<Sdk>(load: () => Promise<Sdk>): Promise<Sdk> {
  try {
    return await load();
  } catch (error) {
    throw sdkUnavailable(error as Error);
  }
}

function sdkUnavailable(cause: Error): RegistryError {
  const remedy = 'if this program is a bundle, see "Bundling" in the README of @soci/ecr';
  // Node appends the modules that required the missing one.
  const [reason] = cause.message.split('\n');
  return new RegistryError('SDK_UNAVAILABLE', `cannot load the AWS SDK: ${reason}; ${remedy}`, { cause });
}

/** Codes of errors of Node.js and webpack about a module that cannot be loaded. */
const LOAD_FAILURES: readonly unknown[] = ['ERR_MODULE_NOT_FOUND', 'MODULE_NOT_FOUND', 'ERR_REQUIRE_ESM'];

/** Reports whether the SDK failed to load one of its modules on demand, such as a credential provider. */
function isLoadFailure({ name, code, message = '' }: Partial<SdkError>): boolean {
  // The second is esbuild's, for CommonJS code in an ES module.
  return LOAD_FAILURES.includes(code) || message.startsWith('Dynamic require of ') || name === 'ChunkLoadError';
}

type AwsClientOptions = Pick<
  ECRClientConfig,
  'credentials' | 'endpoint' | 'region' | 'requestHandler' | 'useDualstackEndpoint' | 'useFipsEndpoint'
>;

/** Maximum length of an AWS message in an error, in characters. */
const MAX_QUOTE = 300;

/** Describes an AWS call in errors. */
export interface AwsCall {
  /** What the call is for, such as the host of a registry. */
  readonly target: string;
  /** Host of the registry that the credentials are for. Only for a call that logs in. */
  readonly host?: string;
  /** The required permission, such as `ecr:GetAuthorizationToken`. */
  readonly permission: string;
  /** The resource of the permission. @default '*' */
  readonly resource?: string;
}

/** Names of AWS exceptions for rejected AWS credentials, common to all APIs. */
const REJECTED_CREDENTIALS =
  /^(?:(?:ExpiredToken|IncompleteSignature|MissingAuthenticationToken)(?:Exception)?|InvalidClientTokenId|InvalidSignatureException|RequestExpired|SignatureDoesNotMatch|UnrecognizedClientException)$/;

/**
 * Converts an error of the AWS SDK to a {@link RegistryError} with a remedy.
 *
 * An error about a response is not set as `cause`: it contains the whole response with its token, and parse errors quote
 * the response. Messages of AWS are included only if they cannot contain secrets: those about signatures quote the headers
 * and thus the session token.
 */
export function describeAwsFailure(
  error: unknown,
  { target, host, permission, resource = '*' }: AwsCall,
): RegistryError {
  if (error instanceof RegistryError) return error;
  const { name, message, code, $metadata } = error as Partial<SdkError>;
  const status = $metadata?.httpStatusCode;
  const fail = (kind: RegistryErrorCode, text: string) =>
    new RegistryError(kind, `${text} (for ${target})`, {
      status,
      ...(kind === 'AUTHENTICATION_FAILED' && host !== undefined && { host }),
    });
  if (isLoadFailure(error as Partial<SdkError>)) return sdkUnavailable(error as Error);
  if (name === 'CredentialsProviderError' || name === 'TokenProviderError')
    return fail(...describeMissingCredentials(message));
  if (name === 'AccessDeniedException') {
    return fail('ACCESS_DENIED', `AWS denies ${permission}: ${quote(message)}; allow it on ${resource}`);
  }
  if (name !== undefined && REJECTED_CREDENTIALS.test(name)) {
    const remedy = 'renew them (aws sso login, aws configure), and check the system clock';
    return fail('AUTHENTICATION_FAILED', `AWS rejects the AWS credentials (${name}): ${remedy}`);
  }
  if (name !== undefined && /Throttl|TooManyRequests/.test(name)) {
    return fail('RATE_LIMITED', `AWS throttles ${permission} (${name}): try again later`);
  }
  if (status !== undefined && status >= 500)
    return fail('SERVER_FAILED', `AWS failed with status ${status}: try again later`);
  if (name?.endsWith('Exception'))
    return fail(
      'AUTHENTICATION_FAILED',
      `AWS rejected ${permission} (${name}): check the account, the Region and the permissions`,
    );
  if (name === 'TimeoutError' || code !== undefined) {
    const remedy = 'check the Region, the network, the proxy and the VPC endpoint of the ECR API';
    const text = `cannot connect to AWS (${code ?? name}): ${remedy} (for ${host})`;
    return new RegistryError('CONNECTION_FAILED', text, status === undefined ? { cause: error } : { status });
  }
  return fail('RESPONSE_INVALID', `AWS returned an invalid response to ${permission} (${name ?? 'unknown error'})`);
}

interface SdkError extends Error {
  readonly code: string;
  readonly $metadata: { readonly httpStatusCode?: number };
}

function describeMissingCredentials(message = ''): [RegistryErrorCode, string] {
  // The message about a failed credential_process contains its command line, whose arguments may be secret.
  const reason = message.startsWith('Command failed') ? 'the credential_process failed' : quote(message);
  const remedy = /sso|session/i.test(message)
    ? 'log in again with aws sso login'
    : 'set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or use an IAM role';
  return ['AUTHENTICATION_FAILED', `no AWS credentials found: ${reason}; ${remedy}`];
}

function quote(message = ''): string {
  return message.trim().slice(0, MAX_QUOTE);
}
