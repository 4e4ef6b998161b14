import { ACCOUNT, REGION } from '../aws/aws-calls.ts';
import { CODE_KEYS, PREFIX } from '../aws/code-bucket.ts';
import type { Call } from '../iam/policy.ts';
import type { Deployment, Operation } from './deployment-calls.ts';

const ALWAYS: readonly Operation[] = ['create', 'update', 'delete'];
const UNLESS_DELETED: readonly Operation[] = ['create', 'update'];

/** A call by which somebody does something with a stack itself. */
interface StackCall {
  readonly action: string;
  readonly operations: readonly Operation[];
  /** What makes it. */
  readonly by: string;
  /** Whether it is about a template, before there is a stack. */
  readonly isAboutTemplate?: true;
}

/**
 * What is called to deploy and delete a stack: by `aws cloudformation deploy` as its source has it (aws-cli 1.46.3), by the other
 * commands of the guide, and by those who call the API themselves, which the console does too.
 */
const STACK_CALLS: readonly StackCall[] = [
  { action: 'DescribeStacks', operations: ALWAYS, by: 'deploy and wait; describe-stacks, which tells the outputs' },
  { action: 'CreateChangeSet', operations: UNLESS_DELETED, by: 'deploy' },
  { action: 'DescribeChangeSet', operations: UNLESS_DELETED, by: 'deploy, until it is there' },
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

/** Calls by which something is done with a stack itself, with its template from a file or from the bucket. */
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

/** Calls by which the package gets into the bucket. */
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
