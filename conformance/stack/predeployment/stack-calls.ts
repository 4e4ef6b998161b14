import { ACCOUNT, REGION } from '../aws/aws-calls.ts';
import { CODE_KEYS, PREFIX } from '../aws/code-bucket.ts';
import type { Call } from '../iam/policy.ts';
import type { Deployment, Operation } from './deployment-calls.ts';

const ALWAYS: readonly Operation[] = ['create', 'update', 'delete'];
const UNLESS_DELETED: readonly Operation[] = ['create', 'update'];

/** A call on the stack itself. */
interface StackCall {
  readonly action: string;
  readonly operations: readonly Operation[];
  /** The command that makes the call. */
  readonly by: string;
  /** Whether the call is about a template, before the stack exists. */
  readonly isAboutTemplate?: true;
}

/**
 * Calls that create, update and delete a stack: those of `aws cloudformation deploy` according to its source (aws-cli
 * 1.46.3), of the other commands of the guide, and of direct API users such as the console.
 */
const STACK_CALLS: readonly StackCall[] = [
  { action: 'DescribeStacks', operations: ALWAYS, by: 'deploy and wait; describe-stacks, which tells the outputs' },
  { action: 'CreateChangeSet', operations: UNLESS_DELETED, by: 'deploy' },
  { action: 'DescribeChangeSet', operations: UNLESS_DELETED, by: 'deploy, until it exists' },
  { action: 'ExecuteChangeSet', operations: UNLESS_DELETED, by: 'deploy' },
  { action: 'DeleteChangeSet', operations: UNLESS_DELETED, by: 'delete-change-set: deploy leaves one without changes' },
  { action: 'GetTemplateSummary', operations: ['update'], by: 'deploy, for the parameters that are there' },
  { action: 'GetTemplateSummary', operations: ['create'], by: 'the console', isAboutTemplate: true },
  { action: 'CreateStack', operations: ['create'], by: 'the API' },
  { action: 'UpdateStack', operations: ['update'], by: 'the API' },
  { action: 'GetTemplate', operations: ['update'], by: 'get-template: what is deployed now' },
  { action: 'DescribeStackEvents', operations: ALWAYS, by: 'describe-stack-events: why something failed' },
  { action: 'ContinueUpdateRollback', operations: ['update'], by: 'continue-update-rollback: where a rollback failed' },
  { action: 'TagResource', operations: UNLESS_DELETED, by: 'tags of the stack' },
  { action: 'UntagResource', operations: ['update'], by: 'tags of the stack' },
  { action: 'DeleteStack', operations: ['delete'], by: 'delete-stack' },
];

/** Calls on the stack itself, with a template from a file or from the bucket. */
export function stackCalls(operation: Operation, { stack, bucket }: Deployment): Call[] {
  const arn = `arn:aws:cloudformation:${REGION}:${ACCOUNT}:stack/${stack}/1a2b3c4d-0000-0000-0000-000000000000`;
  const calls = STACK_CALLS.filter(({ operations }) => operations.includes(operation)).map(
    ({ action, isAboutTemplate }) => ({
      action: `cloudformation:${action}`,
      resource: isAboutTemplate ? '*' : arn,
    }),
  );
  return operation === 'delete' ? calls : [...calls, { action: 's3:GetObject', resource: objectOf(bucket, TEMPLATE) }];
}

/** Calls that upload the package to the bucket. */
export function uploadCalls({ bucket }: Deployment): Call[] {
  return [...Object.values(CODE_KEYS), TEMPLATE].map((key) => ({
    action: 's3:PutObject',
    resource: objectOf(bucket, key),
  }));
}

const TEMPLATE = 'templates/SociIndexBuilder.json';

function objectOf(bucket: string, key: string): string {
  return `arn:aws:s3:::${bucket}/${PREFIX}${key}`;
}
