import { canonicalHost } from './docker-config.ts';
import { isEcrPublicHost, parseEcrHost } from './ecr-host.ts';

/** What to do where a registry wants other credentials than it got, as a clause. */
export function describeRemedy(host: string): string {
  const registry = parseEcrHost(host);
  if (registry !== undefined) {
    return `check that the AWS credentials are those of account ${registry.account}, or of one that its repository policy lets in`;
  }
  if (isEcrPublicHost(host)) {
    return 'pulling needs none; pushing needs AWS credentials with ecr-public:GetAuthorizationToken and sts:GetServiceBearerToken';
  }
  return `log in with docker login ${canonicalHost(host)}, or give the name and password of somebody who may`;
}
