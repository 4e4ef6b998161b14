import type { TestRegistry } from '@soci/test-registry';
import { ACCOUNT, REGION } from '../aws/aws-calls.ts';
import type { Call } from '../iam/policy.ts';
import type { RecordedCall } from './recording-proxy.ts';

type Request = TestRegistry['requests'][number];

interface Rule {
  readonly methods: string;
  /** What follows the repository's name. */
  readonly path: RegExp;
  readonly actions: (request: Request) => readonly string[];
}

/**
 * What Amazon ECR takes for a request to its OCI API to be. A `PUT` that ends an upload may bring its last part.
 *
 * @see Amazon ECR User Guide, "Private registry authentication" and "Required permissions for pushing an image"; Amazon ECR API
 * Reference, "ListImageReferrers", which takes ecr:BatchGetImage
 */
const RULES: readonly Rule[] = [
  { methods: 'GET HEAD', path: /^\/manifests\//, actions: () => ['ecr:BatchGetImage'] },
  { methods: 'PUT', path: /^\/manifests\//, actions: () => ['ecr:PutImage'] },
  { methods: 'GET', path: /^\/referrers\//, actions: () => ['ecr:BatchGetImage'] },
  { methods: 'GET', path: /^\/tags\/list$/, actions: () => ['ecr:ListImages'] },
  { methods: 'POST', path: /^\/blobs\/uploads\/?$/, actions: () => ['ecr:InitiateLayerUpload'] },
  { methods: 'PATCH', path: /^\/blobs\/uploads\//, actions: () => ['ecr:UploadLayerPart'] },
  {
    methods: 'PUT',
    path: /^\/blobs\/uploads\//,
    actions: ({ bytesIn }) => [...(bytesIn > 0 ? ['ecr:UploadLayerPart'] : []), 'ecr:CompleteLayerUpload'],
  },
  { methods: 'HEAD', path: /^\/blobs\//, actions: () => ['ecr:BatchCheckLayerAvailability'] },
  { methods: 'GET', path: /^\/blobs\//, actions: () => ['ecr:GetDownloadUrlForLayer'] },
];

const PATH = /^\/v2\/(?<repository>.+?)(?<rest>\/(?:manifests|referrers|blobs|tags)\/.+)$/;

/** What requests to the OCI API are to IAM. @throws Error where one is none that is known. */
export function callsOfRequests(requests: readonly Request[]): Call[] {
  // Addresses of the storage are signed in the name of Amazon ECR, which asks nobody else.
  return requests.filter(({ port }) => port === 'registry').flatMap(callsOf);
}

/** Calls of Amazon ECR's own API, and whether each is about a repository. */
const ECR_CALLS: Readonly<Record<string, 'repository' | 'account'>> = {
  GetAuthorizationToken: 'account',
  ListImages: 'repository',
  BatchDeleteImage: 'repository',
};

/** What calls of Amazon ECR's own API are to IAM. @throws Error where one is none that is known. */
export function callsOfEcr(calls: readonly RecordedCall[]): Call[] {
  return calls.map(({ target, input }) => {
    const name = target.slice(target.indexOf('.') + 1);
    const about = ECR_CALLS[name];
    if (about === undefined) throw new Error(`${target} is not known here`);
    const { repositoryName = '' } = input;
    const resource = about === 'account' ? '*' : arnOfRepository(repositoryName);
    return { action: `ecr:${name}`, resource };
  });
}

function arnOfRepository(name: string): string {
  return `arn:aws:ecr:${REGION}:${ACCOUNT}:repository/${name}`;
}

function callsOf(request: Request): Call[] {
  const { repository, rest = '' } = PATH.exec(request.path)?.groups ?? {};
  const rule = RULES.find(({ methods, path }) => methods.split(' ').includes(request.method) && path.test(rest));
  // Every client begins so, and is told that it has to log in.
  if (request.path === '/v2/') return [];
  if (rule === undefined) throw new Error(`${request.method} ${request.path} is not known here`);
  const resource = arnOfRepository(repository ?? '');
  return rule.actions(request).map((action) => ({ action, resource }));
}

/**
 * What Lambda does in the name of a function's role to keep its log. CloudWatch Logs looks for `log-stream:` at the end of the
 * resource also where there is no log stream yet.
 *
 * @see AWS Lambda Developer Guide, "Sending Lambda function logs to CloudWatch Logs"
 */
export function callsOfLog(functionName: string): Call[] {
  const group = `arn:aws:logs:${REGION}:${ACCOUNT}:log-group:/aws/lambda/${functionName}:log-stream:`;
  return [
    { action: 'logs:CreateLogGroup', resource: group },
    { action: 'logs:CreateLogStream', resource: group },
    { action: 'logs:PutLogEvents', resource: `${group}2026/01/01/[$LATEST]0123456789abcdef` },
  ];
}
