import type { ECRClientConfig } from '@aws-sdk/client-ecr';
import { createProxyAgent, type RegistryOptions } from '@soci/registry';

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
  readonly env?: NonNullable<RegistryOptions['env']>;
  /** The clock: milliseconds since 1970. @default `Date.now` */
  readonly now?: () => number;
}

/**
 * What a client of the SDK is made with.
 *
 * @param api - The API's URL where no endpoint is given; only proxies are chosen by it.
 */
export function awsClientOptions(api: string, region: string, options: AwsOptions): AwsClientOptions {
  const { credentials, endpoint, fips, dualStack, env = process.env, timeout = DEFAULT_TIMEOUT } = options;
  const httpsAgent = createProxyAgent(new URL(endpoint ?? api), { env, connectTimeout: CONNECT_TIMEOUT });
  return {
    region,
    ...(credentials === undefined ? {} : { credentials }),
    ...(endpoint === undefined ? {} : { endpoint }),
    // The SDK refuses both beside an endpoint; and left out, its own configuration of them counts.
    ...(endpoint === undefined && fips !== undefined ? { useFipsEndpoint: fips } : {}),
    ...(endpoint === undefined && dualStack !== undefined ? { useDualstackEndpoint: dualStack } : {}),
    requestHandler: {
      connectionTimeout: CONNECT_TIMEOUT,
      requestTimeout: timeout,
      throwOnRequestTimeout: true,
      // The SDK itself heeds no proxy.
      ...(httpsAgent && { httpsAgent }),
    },
  };
}

type AwsClientOptions = Pick<
  ECRClientConfig,
  'credentials' | 'endpoint' | 'region' | 'requestHandler' | 'useDualstackEndpoint' | 'useFipsEndpoint'
>;
