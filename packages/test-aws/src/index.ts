export { TestAwsError, type TestAwsErrorCode } from './errors.ts';
export type { BusEvent, EventRule, TestEventBridge, TestEventBridgeOptions } from './event-bridge/event-bus.ts';
export { matchesEventPattern } from './event-bridge/event-pattern.ts';
export { startTestEventBridge } from './event-bridge/start-test-event-bridge.ts';
export { type CgroupLimits, type FunctionCgroup, makeFunctionCgroup } from './lambda/cgroup.ts';
export type { TestFunction, TestFunctionOptions } from './lambda/function-options.ts';
export type { AbandonedEvent, Invocation, InvocationOutcome, InvocationType } from './lambda/invocation.ts';
export { startTestLambda, type TestLambda, type TestLambdaOptions } from './lambda/start-test-lambda.ts';
export {
  type EventSourceMapping,
  type EventSourceMappingOptions,
  startEventSourceMapping,
} from './sqs/event-source-mapping.ts';
export type { QueuedMessage } from './sqs/message-queue.ts';
export {
  startTestSqs,
  type TestQueue,
  type TestQueueOptions,
  type TestSqs,
  type TestSqsOptions,
} from './sqs/start-test-sqs.ts';
