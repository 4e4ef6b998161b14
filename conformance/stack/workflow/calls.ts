import type { TestRegistry } from '@soci/test-registry';
import { ACCOUNT, REGION } from '../aws/aws-calls.ts';
import type { Call } from '../iam/policy.ts';
import type { RecordedCall } from './recording-proxy.ts';

type Request = TestRegistry['requests'][number];

interface Rule {
  readonly methods: string;
  /** End of the path, after the repository name. */
  readonly path: RegExp;
  readonly actions: (request: Request) => readonly string[];
}

/**
 * IAM actions of requests to the OCI API of Amazon ECR. A `PUT` that completes an upload may contain its last part.
 *
 * @see Amazon ECR User Guide, "Private registry authentication" and "Required permissions for pushing an image"; Amazon
 * ECR API Reference, "ListImageReferrers", which needs ecr:BatchGetImage
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

/** Converts requests to the OCI API to IAM calls. @throws Error if a request is unknown. */
export function callsOfRequests(requests: readonly Request[]): Call[] {
  // Amazon ECR signs the storage URLs itself. They need no further permission.
  return requests.filter(({ port }) => port === 'registry').flatMap(callsOf);
}

/** Calls of the Amazon ECR API, and what each is for. */
const ECR_CALLS: Readonly<Record<string, 'repository' | 'registry' | 'account'>> = {
  GetAuthorizationToken: 'account',
  ListImages: 'repository',
  BatchDeleteImage: 'repository',
  BatchGetImage: 'repository',
  DescribeImages: 'repository',
  DescribeRepositories: 'registry',
};

/** Converts calls of the Amazon ECR API to IAM calls. @throws Error if a call is unknown. */
export function callsOfEcr(calls: readonly RecordedCall[]): Call[] {
  return calls.map(({ target, input }) => {
    const name = target.slice(target.indexOf('.') + 1);
    const about = ECR_CALLS[name];
    if (about === undefined) throw new Error(`${target} is not supported`);
    const { repositoryName = about === 'registry' ? '*' : '' } = input;
    const resource = about === 'account' ? '*' : arnOfRepository(repositoryName);
    return { action: `ecr:${name}`, resource };
  });
}

/** Converts requests to Amazon S3 with the bucket in the path to IAM calls. */
export function callsOfS3(calls: readonly RecordedCall[]): Call[] {
  return calls.map(({ method, path }) => {
    const { pathname, searchParams } = new URL(path, 'http://s3');
    const name = decodeURIComponent(pathname.slice(1));
    if (searchParams.has('list-type'))
      return { action: 's3:ListBucket', resource: `arn:aws:s3:::${name.replace(/\/$/, '')}` };
    const action = method === 'GET' ? 's3:GetObject' : method === 'PUT' ? 's3:PutObject' : undefined;
    if (action === undefined) throw new Error(`${method} ${path} is not supported`);
    return { action, resource: `arn:aws:s3:::${name}` };
  });
}

/**
 * Converts calls of Amazon ECS to IAM calls. `ecs:cluster` is in the context of calls that name a cluster.
 *
 * @see Service Authorization Reference, "Amazon Elastic Container Service"
 */
export function callsOfEcs(calls: readonly RecordedCall[]): Call[] {
  return calls.map(({ target, input: { cluster } }) => ({
    action: `ecs:${target.slice(target.indexOf('.') + 1)}`,
    resource: '*',
    ...(cluster !== undefined && { context: { 'ecs:cluster': cluster } }),
  }));
}

/** Converts calls of Amazon EventBridge to IAM calls. */
export function callsOfEvents(calls: readonly RecordedCall[]): Call[] {
  return calls.flatMap(({ input: { Entries = [] } }) =>
    Entries.map(({ EventBusName: resource }) => ({ action: 'events:PutEvents', resource })),
  );
}

function arnOfRepository(name: string): string {
  return `arn:aws:ecr:${REGION}:${ACCOUNT}:repository/${name}`;
}

function callsOf(request: Request): Call[] {
  const { repository, rest = '' } = PATH.exec(request.path)?.groups ?? {};
  const rule = RULES.find(({ methods, path }) => methods.split(' ').includes(request.method) && path.test(rest));
  // Every client starts with this request, which is answered with 401.
  if (request.path === '/v2/') return [];
  if (rule === undefined) throw new Error(`${request.method} ${request.path} is not supported`);
  const resource = arnOfRepository(repository ?? '');
  return rule.actions(request).map((action) => ({ action, resource }));
}

/**
 * Returns Lambda's calls with the role of a function to write its log. CloudWatch Logs expects `log-stream:` at the end
 * of the resource even if no log stream exists.
 *
 * @param logGroup - Log group of the stack. By default, Lambda creates one.
 * @see AWS Lambda Developer Guide, "Sending Lambda function logs to CloudWatch Logs"
 */
export function callsOfLog(functionName: string, logGroup?: string): Call[] {
  const group = `arn:aws:logs:${REGION}:${ACCOUNT}:log-group:${logGroup ?? `/aws/lambda/${functionName}`}:log-stream:`;
  return [
    ...(logGroup === undefined ? [{ action: 'logs:CreateLogGroup', resource: group }] : []),
    { action: 'logs:CreateLogStream', resource: group },
    { action: 'logs:PutLogEvents', resource: `${group}2026/01/01/[$LATEST]0123456789abcdef` },
  ];
}

/** Optional resources of a function that Lambda uses with the role of the function. */
export interface OptionalResources {
  /** ARN of the key of the environment variables and of the queue. */
  readonly key?: string | undefined;
  /** Name of the dead-letter queue. */
  readonly queue?: string | undefined;
  /** @default false */
  readonly isInVpc?: boolean;
}

/**
 * Returns Lambda's calls with the role of a function for a key, a dead-letter queue and a VPC.
 *
 * @see AWS Lambda Developer Guide, "Adding a dead-letter queue", "Giving Lambda functions access to resources in an Amazon
 * VPC", "Securing Lambda environment variables"; Amazon SQS Developer Guide, "Key management"
 */
export function callsOfLambda({ key, queue, isInVpc = false }: OptionalResources): Call[] {
  const calls: Call[] = [];
  if (key !== undefined) calls.push({ action: 'kms:Decrypt', resource: key });
  if (queue !== undefined) {
    calls.push({ action: 'sqs:SendMessage', resource: `arn:aws:sqs:${REGION}:${ACCOUNT}:${queue}` });
    if (key !== undefined) calls.push({ action: 'kms:GenerateDataKey', resource: key });
  }
  if (isInVpc) calls.push(...VPC_ACTIONS.map((action) => ({ action: `ec2:${action}`, resource: '*' })));
  return calls;
}

const VPC_ACTIONS = [
  'CreateNetworkInterface',
  'DescribeNetworkInterfaces',
  'DescribeSubnets',
  'DeleteNetworkInterface',
  'AssignPrivateIpAddresses',
  'UnassignPrivateIpAddresses',
];
