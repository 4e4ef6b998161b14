import { type AwsInput, textsOf } from './aws-input.ts';
import type { AwsRegistry } from './aws-registry.ts';

/** A token for each registry asked for: `AWS:<password>` in base64. @see Amazon ECR API Reference, GetAuthorizationToken */
export function getAuthorizationToken({ tokens, proxyEndpoint }: AwsRegistry, input: AwsInput) {
  const count = Math.max(1, textsOf(input, 'registryIds', 10)?.length ?? 1);
  return {
    authorizationData: Array.from({ length: count }, () => {
      const { token, expiresAt } = tokens.issue(true);
      return {
        authorizationToken: Buffer.from(`AWS:${token}`).toString('base64'),
        expiresAt: expiresAt.getTime() / 1000,
        proxyEndpoint,
      };
    }),
  };
}
