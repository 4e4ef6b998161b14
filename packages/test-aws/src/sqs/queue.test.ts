import {
  ChangeMessageVisibilityCommand,
  DeleteMessageCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { expect, onTestFinished, test, vi } from 'vitest';
import { makeFunctionFolder, SCRIPTED } from '../fixtures/function-folder.ts';
import { startLambdaForTest } from '../fixtures/running.ts';
import { startEventSourceMapping } from './event-source-mapping.ts';
import { startTestSqs, type TestQueueOptions } from './start-test-sqs.ts';

/** Starts an SQS whose seconds have ten milliseconds, with a queue and its dead-letter queue. */
async function startQueues(options: Partial<TestQueueOptions> = {}) {
  const sqs = await startTestSqs({ second: 10 });
  onTestFinished(() => sqs.stop());
  const failed = sqs.createQueue({ name: 'failed' });
  const work = sqs.createQueue({
    name: 'work',
    visibilityTimeout: 50,
    deadLetterQueue: { name: 'failed', maxReceiveCount: 2 },
    ...options,
  });
  const credentials = { accessKeyId: 'AKIATEST', secretAccessKey: 'secret' };
  const client = new SQSClient({ region: 'us-east-1', credentials, endpoint: sqs.endpoint, maxAttempts: 1 });
  const send = (body: unknown) =>
    client.send(new SendMessageCommand({ QueueUrl: work.url, MessageBody: JSON.stringify(body) }));
  const receive = async () => {
    const { Messages = [] } = await client.send(
      new ReceiveMessageCommand({ QueueUrl: work.url, MaxNumberOfMessages: 10 }),
    );
    return Messages;
  };
  return { sqs, work, failed, client, send, receive };
}

test('hides a received message for the visibility timeout, and moves it after the last attempt', async () => {
  const { work, failed, send, receive } = await startQueues({ visibilityTimeout: 43_200 });
  const now = performance.now.bind(performance);
  let passed = 0;
  const clock = vi.spyOn(performance, 'now').mockImplementation(() => now() + passed);
  onTestFinished(() => clock.mockRestore());
  const { MessageId } = await send('one');
  const [first] = await receive();
  expect(first).toMatchObject({ MessageId, Body: '"one"' });
  expect(await receive()).toEqual([]);
  expect(work.messages).toMatchObject([{ receiveCount: 1, isInFlight: true }]);
  passed += 432_000;
  expect(await receive()).toMatchObject([{ MessageId }]);
  passed += 432_000;
  expect(await receive()).toEqual([]);
  expect([work.messages, failed.messages]).toMatchObject([[], [{ messageId: MessageId, body: '"one"' }]]);
});

test('deletes a message by its latest receipt only', async () => {
  const { work, client, send, receive } = await startQueues({ visibilityTimeout: 0 });
  await send('one');
  const [[first], [second]] = [await receive(), await receive()];
  const remove = (ReceiptHandle: string | undefined) =>
    client.send(new DeleteMessageCommand({ QueueUrl: work.url, ReceiptHandle }));
  await expect(remove('none')).rejects.toMatchObject({ name: 'ReceiptHandleIsInvalid' });
  await remove(first?.ReceiptHandle);
  expect(work.messages).toHaveLength(1);
  await remove(second?.ReceiptHandle);
  expect(work.messages).toEqual([]);
});

test('changes the visibility of a message in flight', async () => {
  const { work, client, send, receive } = await startQueues({ visibilityTimeout: 43_200 });
  await send('one');
  const [message] = await receive();
  const change = (VisibilityTimeout: number) =>
    client.send(
      new ChangeMessageVisibilityCommand({
        QueueUrl: work.url,
        ReceiptHandle: message?.ReceiptHandle,
        VisibilityTimeout,
      }),
    );
  await expect(change(43_201)).rejects.toThrow('expected 0 to 43200');
  await change(0);
  expect(await receive()).toHaveLength(1);
});

test('rejects messages and queues that Amazon SQS rejects', async () => {
  const { sqs, client, send } = await startQueues();
  await expect(send('x'.repeat(1 << 20))).rejects.toThrow('too many');
  const unknown = new SendMessageCommand({ QueueUrl: `${sqs.endpoint}/123456789012/other`, MessageBody: 'x' });
  await expect(client.send(unknown)).rejects.toMatchObject({ name: 'QueueDoesNotExist' });
  expect(() => sqs.createQueue({ name: 'work.fifo' })).toThrow('expected a new name');
  sqs.fail(1);
  await expect(send('one')).rejects.toMatchObject({ name: 'ServiceUnavailable' });
});

test('an event source mapping invokes a function with one message each, up to its concurrency', async () => {
  const { sqs, work, send } = await startQueues({ visibilityTimeout: 43_200 });
  const lambda = await startLambdaForTest();
  lambda.createFunction({ name: 'worker', folder: makeFunctionFolder(WORKER) });
  for (let number = 0; number < 6; number += 1) await send({ sleepFor: 50 });
  await send({ fail: 'always' });
  const mapping = startEventSourceMapping({
    lambda,
    functionName: 'worker',
    endpoint: sqs.endpoint,
    queueUrl: work.url,
    queueArn: work.arn,
    maximumConcurrency: 3,
  });
  onTestFinished(() => mapping.stop());
  await mapping.idle();
  expect(mapping.mostConcurrent).toBe(3);
  expect(lambda.invocations.map(({ outcome }) => outcome.status).sort()).toEqual([
    'error',
    ...Array(6).fill('success'),
  ]);
  expect(lambda.invocations[0]?.payload).toMatchObject({
    Records: [{ eventSource: 'aws:sqs', eventSourceARN: work.arn, attributes: { ApproximateReceiveCount: '1' } }],
  });
  expect(work.messages).toMatchObject([{ body: '{"fail":"always"}', receiveCount: 1, isInFlight: true }]);
});

/** The scripted function, which gets its script from the body of a message. */
const WORKER = `${SCRIPTED.replace('export async function handler', 'async function run')}
  export const handler = ({ Records: [{ body }] }) => run(JSON.parse(body));
`;
