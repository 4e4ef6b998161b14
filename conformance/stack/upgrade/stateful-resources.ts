import type { AwsCalls } from '../aws/aws-calls.ts';
import type { DeployedStack } from '../aws/stack.ts';

/** A resource type that keeps data or that users refer to, and how to list the resources that exist. */
const LISTS: Readonly<Record<string, (aws: AwsCalls) => Promise<string[]>>> = {
  'AWS::Lambda::Function': async (aws) => {
    const answer = JSON.parse((await aws.get('lambda', '/2015-03-31/functions/')).toString());
    return (answer as { Functions: { FunctionName: string }[] }).Functions.map(({ FunctionName }) => FunctionName);
  },
  'AWS::Logs::LogGroup': async (aws) => {
    const { logGroups } = await aws.json<{ logGroups: { logGroupName: string }[] }>(
      'logs',
      'Logs_20140328.DescribeLogGroups',
      {},
    );
    return logGroups.map(({ logGroupName }) => logGroupName);
  },
  'AWS::SQS::Queue': async (aws) => {
    const { QueueUrls = [] } = await aws.json<{ QueueUrls?: string[] }>('sqs', 'AmazonSQS.ListQueues', {});
    return QueueUrls.map(nameOf);
  },
  'AWS::S3::Bucket': async (aws) => {
    const listed = (await aws.get('s3', '/')).toString();
    return [...listed.matchAll(/<Name>([^<]*)<\/Name>/g)].map(([, name = '']) => name);
  },
};

/** A resource that an update must not replace. */
export interface StatefulResource {
  readonly id: string;
  readonly type: string;
  readonly physicalId: string;
}

/** Returns the functions, log groups, queues and buckets of a stack that exist. */
export async function statefulResources(aws: AwsCalls, stack: DeployedStack): Promise<StatefulResource[]> {
  const existing = new Map<string, string[]>();
  for (const [type, list] of Object.entries(LISTS)) existing.set(type, await list(aws));
  return [...(await stack.resources()).values()]
    .map(({ LogicalResourceId: id, ResourceType: type, PhysicalResourceId: physicalId }) => ({ id, type, physicalId }))
    .filter(({ type, physicalId }) => existing.get(type)?.includes(nameOf(physicalId)));
}

/** Returns the resources that an update has deleted or replaced. */
export function lostResources(
  before: readonly StatefulResource[],
  after: readonly StatefulResource[],
): StatefulResource[] {
  return before.filter(
    ({ type, physicalId }) => !after.some((now) => now.type === type && now.physicalId === physicalId),
  );
}

/** Returns the last part of the URL of a queue, whose host depends on the endpoint. Log groups have slashes in their names. */
function nameOf(physicalId: string): string {
  return /^https?:/.test(physicalId) ? physicalId.slice(physicalId.lastIndexOf('/') + 1) : physicalId;
}
