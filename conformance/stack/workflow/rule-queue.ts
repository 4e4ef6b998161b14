import type { AwsCalls } from '../aws/aws-calls.ts';
import type { RegistryEvent } from './deployed-workflow.ts';

/** Maximum number of entries of PutEvents and of messages of ReceiveMessage. */
const BATCH = 10;

/** A queue that receives the events of a rule in moto's EventBridge. */
interface RuleQueue {
  /** Puts events on the bus. Returns those that the rule matches, in any order. */
  pass(events: readonly RegistryEvent[]): Promise<RegistryEvent[]>;
}

/** Replaces the targets of a rule with a queue, because moto cannot invoke functions without Docker. */
export async function putQueue(aws: AwsCalls, rule: string): Promise<RuleQueue> {
  const events = <Result>(call: string, input: object) => aws.json<Result>('events', `AWSEvents.${call}`, input);
  const queues = <Result>(call: string, input: object) => aws.json<Result>('sqs', `AmazonSQS.${call}`, input);
  const { QueueUrl } = await queues<{ QueueUrl: string }>('CreateQueue', { QueueName: 'pushes' });
  const wanted = { QueueUrl, AttributeNames: ['QueueArn'] };
  const { Attributes } = await queues<{ Attributes: { QueueArn: string } }>('GetQueueAttributes', wanted);
  const { Targets } = await events<{ Targets: { Id: string }[] }>('ListTargetsByRule', { Rule: rule });
  await events('RemoveTargets', { Rule: rule, Ids: Targets.map(({ Id }) => Id) });
  await events('PutTargets', { Rule: rule, Targets: [{ Id: 'queue', Arn: Attributes.QueueArn }] });
  return {
    async pass(all) {
      for (let at = 0; at < all.length; at += BATCH) {
        await events('PutEvents', { Entries: all.slice(at, at + BATCH).map(entryOf) });
      }
      const passed: RegistryEvent[] = [];
      for (;;) {
        const input = { QueueUrl, MaxNumberOfMessages: BATCH };
        const { Messages = [] } = await queues<{ Messages?: Message[] }>('ReceiveMessage', input);
        if (Messages.length === 0) return passed;
        for (const { Body, ReceiptHandle } of Messages) {
          passed.push(JSON.parse(Body) as RegistryEvent);
          await queues('DeleteMessage', { QueueUrl, ReceiptHandle });
        }
      }
    },
  };
}

interface Message {
  readonly Body: string;
  readonly ReceiptHandle: string;
}

function entryOf({ source, resources, detail, time, 'detail-type': DetailType }: RegistryEvent): object {
  const at = new Date(time).valueOf() / 1000;
  return { Source: source, DetailType, Resources: resources, Time: at, Detail: JSON.stringify(detail) };
}
