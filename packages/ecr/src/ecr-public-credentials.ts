import type { ECRPUBLICClient } from '@aws-sdk/client-ecr-public';
import { CredentialCache, type CredentialProvider } from '@soci/registry';
import { type AwsOptions, awsClientOptions } from './aws-client-options.ts';
import { describeAwsFailure } from './aws-failure.ts';
import { readAuthorization } from './ecr-credentials.ts';
import { isEcrPublicHost } from './ecr-host.ts';

/** The one region whose API gives tokens of ECR Public. docs.aws.amazon.com/AmazonECR/latest/public/public-registry-auth.html */
const ECR_PUBLIC_REGION = 'us-east-1';

/** What messages call ECR Public. */
const ECR_PUBLIC = 'ECR Public';

type EcrPublicSdk = typeof import('@aws-sdk/client-ecr-public');

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
  let created: Promise<{ readonly sdk: EcrPublicSdk; readonly client: ECRPUBLICClient }> | undefined;
  return async (host, query) => {
    if (!isEcrPublicHost(host)) return undefined;
    return await tokens.find(
      ECR_PUBLIC,
      async (signal) => {
        try {
          created ??= createClient(options);
          const { sdk, client } = await created;
          const answer = await client.send(new sdk.GetAuthorizationTokenCommand({}), { abortSignal: signal });
          return readAuthorization(answer.authorizationData, ECR_PUBLIC);
        } catch (error) {
          const permission = 'ecr-public:GetAuthorizationToken with sts:GetServiceBearerToken';
          throw describeAwsFailure(error, { host, permission });
        }
      },
      query,
    );
  };
}

async function createClient(
  options: AwsOptions,
): Promise<{ readonly sdk: EcrPublicSdk; readonly client: ECRPUBLICClient }> {
  const sdk = await import('@aws-sdk/client-ecr-public');
  const api = `https://api.ecr-public.${ECR_PUBLIC_REGION}.amazonaws.com`;
  return { sdk, client: new sdk.ECRPUBLICClient(awsClientOptions(api, ECR_PUBLIC_REGION, options)) };
}
