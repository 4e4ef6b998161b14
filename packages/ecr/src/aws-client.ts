import type { ECRClient, ECRClientConfig } from '@aws-sdk/client-ecr';
import { createProxyAgent, type Environment, RegistryError, type RegistryErrorCode } from '@soci/registry';

/** Milliseconds that a connection to AWS may take. */
const CONNECT_TIMEOUT = 10_000;

/** Milliseconds that a call of AWS may take, each time that the SDK tries. GetAuthorizationToken takes some hundred. */
const DEFAULT_TIMEOUT = 20_000;

/** How AWS is asked for tokens. What is not said here is found by the AWS SDK in its own way. */
export interface AwsOptions {
  /** AWS credentials, or a function that finds them. @default the SDK's chain: environment, profile, SSO, role of the machine */
  readonly credentials?: NonNullable<ECRClientConfig['credentials']>;
  /** URL of the API, for a VPC endpoint or an emulator. @default the one of the region */
  readonly endpoint?: string;
  /** Whether the API is asked at its FIPS endpoint. @default as the registry's host name says, else as the SDK is configured */
  readonly fips?: boolean;
  /** Whether the API is asked over IPv6 as well. @default as the registry's host name says, else as the SDK is configured */
  readonly dualStack?: boolean;
  /** Milliseconds that one attempt of a call may take; the SDK makes three. @default 20,000 */
  readonly timeout?: number;
  /** Where proxies are named: `HTTPS_PROXY`, `NO_PROXY`. The SDK reads its own variables from `process.env`. @default `process.env` */
  readonly env?: Environment;
  /** The clock: milliseconds since 1970. @default `Date.now` */
  readonly now?: () => number;
}

/** What a client of the SDK is made with. @param api - The API's URL if no endpoint is given, to choose a proxy by. */
export function awsClientOptions(api: string, region: string, options: AwsOptions): AwsClientOptions {
  const { credentials, endpoint, fips, dualStack, env = process.env, timeout = DEFAULT_TIMEOUT } = options;
  const httpsAgent = createProxyAgent(new URL(endpoint ?? api), { env, connectTimeout: CONNECT_TIMEOUT });
  return {
    region,
    ...(credentials && { credentials }),
    ...(endpoint !== undefined && { endpoint }),
    // The SDK refuses both beside an endpoint; and left out, its own configuration of them counts.
    ...(endpoint === undefined && fips !== undefined && { useFipsEndpoint: fips }),
    ...(endpoint === undefined && dualStack !== undefined && { useDualstackEndpoint: dualStack }),
    requestHandler: {
      connectionTimeout: CONNECT_TIMEOUT,
      requestTimeout: timeout,
      throwOnRequestTimeout: true,
      // The SDK itself heeds no proxy.
      ...(httpsAgent && { httpsAgent }),
    },
  };
}

/** The AWS SDK for Amazon ECR, loaded, and a client of it. */
export interface EcrClient {
  readonly sdk: typeof import('./ecr-sdk.ts');
  readonly client: ECRClient;
}

/** Loads the AWS SDK, and opens a client of the ECR API in a region. */
export async function openEcrClient(region: string, options: AwsOptions): Promise<EcrClient> {
  const sdk = await import('./ecr-sdk.ts');
  const client = new sdk.ECRClient(awsClientOptions(`https://api.ecr.${region}.amazonaws.com`, region, options));
  return { sdk, client };
}

type AwsClientOptions = Pick<
  ECRClientConfig,
  'credentials' | 'endpoint' | 'region' | 'requestHandler' | 'useDualstackEndpoint' | 'useFipsEndpoint'
>;

/** Characters of AWS's own words that go into an error. */
const MAX_QUOTE = 300;

/** A call of the AWS SDK, for the errors about it. */
export interface AwsCall {
  /** The registry that it was about. */
  readonly host: string;
  /** What the caller needs to be allowed, such as `ecr:GetAuthorizationToken`. */
  readonly permission: string;
  /** What it has to be allowed on. @default '*' */
  readonly resource?: string;
}

/** Names of the exceptions with which AWS refuses credentials, whatever it was asked. */
const REFUSED_CREDENTIALS =
  /^(?:(?:ExpiredToken|IncompleteSignature|MissingAuthenticationToken)(?:Exception)?|InvalidClientTokenId|InvalidSignatureException|RequestExpired|SignatureDoesNotMatch|UnrecognizedClientException)$/;

/**
 * What went wrong in a call of the AWS SDK, as the error of this package with its remedy.
 *
 * The SDK's own error is no `cause`: it carries the whole answer, with the token in it, and the message of one that could not
 * be read quotes it. Of AWS's words only those are repeated that cannot hold a secret: a refused signature's quote the
 * headers, and with them the session token.
 */
export function describeAwsFailure(error: unknown, { host, permission, resource = '*' }: AwsCall): RegistryError {
  if (error instanceof RegistryError) return error;
  const { name, message, code, $metadata } = error as Partial<SdkError>;
  const status = $metadata?.httpStatusCode;
  const fail = (kind: RegistryErrorCode, text: string) =>
    new RegistryError(kind, `${text} (for ${host})`, status === undefined ? {} : { status });
  if (name === 'CredentialsProviderError' || name === 'TokenProviderError') return fail(...describeMissing(message));
  if (name === 'AccessDeniedException') {
    return fail('ACCESS_DENIED', `AWS does not allow ${permission}: ${quote(message)}; allow it on ${resource}`);
  }
  if (name !== undefined && REFUSED_CREDENTIALS.test(name)) {
    const remedy = 'renew them (aws sso login, aws configure, a new session), and check the clock of this machine';
    return fail('AUTHENTICATION_FAILED', `AWS does not take the AWS credentials (${name}): ${remedy}`);
  }
  if (name !== undefined && /Throttl|TooManyRequests/.test(name)) {
    return fail('RATE_LIMITED', `AWS answers too many calls of ${permission} (${name}): try again later`);
  }
  if (status !== undefined && status >= 500) return fail('SERVER_FAILED', `AWS failed with status ${status}`);
  if (name?.endsWith('Exception')) return fail('AUTHENTICATION_FAILED', `AWS refused ${permission} with ${name}`);
  if (name === 'TimeoutError' || code !== undefined) {
    const remedy = 'check the region, the network, the proxy and the VPC endpoint of the ECR API';
    return fail('CONNECTION_FAILED', `AWS cannot be reached (${code ?? name}): ${remedy}`);
  }
  return fail('RESPONSE_INVALID', `the answer to ${permission} cannot be read (${name ?? 'unknown error'})`);
}

interface SdkError extends Error {
  readonly code: string;
  readonly $metadata: { readonly httpStatusCode?: number };
}

function describeMissing(message = ''): [RegistryErrorCode, string] {
  // A credential_process that failed is quoted with its command line, whose arguments may be secret.
  const words = message.startsWith('Command failed') ? 'the credential_process failed' : quote(message);
  const remedy = /sso|session/i.test(message)
    ? 'log in again with aws sso login'
    : 'set AWS_PROFILE or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give the machine a role';
  return ['AUTHENTICATION_FAILED', `there are no AWS credentials to ask for a token with: ${words}; ${remedy}`];
}

function quote(message = ''): string {
  return message.trim().slice(0, MAX_QUOTE);
}
