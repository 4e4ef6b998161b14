import type { AwsRegistry } from './aws-registry.ts';

/** A token for each registry asked for, the same for all: `AWS:<password>` in base64. @see Amazon ECR API Reference, GetAuthorizationToken */
export function getAuthorizationToken(
  { tokens, proxyEndpoint }: AwsRegistry,
  input: Readonly<Record<string, unknown>>,
) {
  const count = Array.isArray(input.registryIds) ? Math.max(1, input.registryIds.length) : 1;
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
