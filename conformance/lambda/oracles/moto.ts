import { join } from 'node:path';
import { freePort, startServer } from '../../registries/launch/server-process.ts';
import { REPORTS } from '../../run-report.ts';
import { toolPath } from '../../tools/tools.ts';
import type { RegistryEvent } from '../workflow.ts';

const REGION = 'us-east-1';

/** Maximum number of entries of PutEvents and of messages of ReceiveMessage. */
const BATCH = 10;

/** A rule on moto's EventBridge with a queue as its target. */
export interface MotoRule {
  /** Puts events on the bus. Returns those that arrive in the queue. */
  pass(events: readonly RegistryEvent[]): Promise<object[]>;
  /** Stops moto. */
  stop(): Promise<void>;
}

/** Starts moto with a rule for this pattern, whose target is an SQS queue. */
export async function startMotoRule(pattern: object): Promise<MotoRule> {
  const port = await freePort();
  const args = ['-m', 'moto.server', '-H', '127.0.0.1', '-p', String(port)];
  const server = await startServer({
    path: toolPath('moto'),
    args,
    port,
    log: join(REPORTS.lambda.folder, 'moto.log'),
  });
  const events = (call: string, input: object) => callAws(port, 'events', `AWSEvents.${call}`, input);
  const queues = (call: string, input: object) => callAws(port, 'sqs', `AmazonSQS.${call}`, input);
  const { QueueUrl } = await queues('CreateQueue', { QueueName: 'pushes' });
  const { Attributes } = await queues('GetQueueAttributes', { QueueUrl, AttributeNames: ['QueueArn'] });
  await events('PutRule', { Name: 'pushes', EventPattern: JSON.stringify(pattern) });
  await events('PutTargets', {
    Rule: 'pushes',
    Targets: [{ Id: 'queue', Arn: (Attributes as { QueueArn: string }).QueueArn }],
  });
  return {
    async pass(all) {
      for (let at = 0; at < all.length; at += BATCH) {
        await events('PutEvents', { Entries: all.slice(at, at + BATCH).map(entryOf) });
      }
      const passed: object[] = [];
      for (;;) {
        const { Messages = [] } = await queues('ReceiveMessage', { QueueUrl, MaxNumberOfMessages: BATCH });
        const messages = Messages as { Body: string; ReceiptHandle: string }[];
        if (messages.length === 0) return passed;
        for (const { Body, ReceiptHandle } of messages) {
          passed.push(JSON.parse(Body) as object);
          await queues('DeleteMessage', { QueueUrl, ReceiptHandle });
        }
      }
    },
    stop: () => server.kill(),
  };
}

function entryOf({ source, resources, detail, time, 'detail-type': detailType }: RegistryEvent): object {
  const at = new Date(time).valueOf() / 1000;
  return { Source: source, DetailType: detailType, Resources: resources, Time: at, Detail: JSON.stringify(detail) };
}

/** moto does not verify signatures but reads the service from them. @see Smithy, "AWS JSON protocols" */
async function callAws(port: number, service: string, target: string, input: object): Promise<Record<string, unknown>> {
  const scope = `AKIDEXAMPLE/20260101/${REGION}/${service}/aws4_request`;
  const answer = await fetch(`http://127.0.0.1:${port}/`, {
    method: 'POST',
    headers: {
      authorization: `AWS4-HMAC-SHA256 Credential=${scope}, SignedHeaders=host, Signature=none`,
      'content-type': `application/x-amz-json-1.${service === 'sqs' ? 0 : 1}`,
      'x-amz-target': target,
    },
    body: JSON.stringify(input),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${target}: ${answer.status} ${text}`);
  return JSON.parse(text || '{}') as Record<string, unknown>;
}
