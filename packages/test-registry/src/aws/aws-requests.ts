import type { Incoming } from '../http/incoming.ts';
import { type Reply, replyJson } from '../http/reply.ts';
import { getAuthorizationToken } from './authorization-token.ts';
import { AwsFailure, type AwsRegistry } from './aws-registry.ts';

type Input = Readonly<Record<string, unknown>>;

const CALLS: Readonly<Record<string, (registry: AwsRegistry, input: Input) => unknown>> = {
  GetAuthorizationToken: getAuthorizationToken,
};

const TARGET_PREFIX = 'AmazonEC2ContainerRegistry_V20150921.';
const MAX_REQUEST_SIZE = 8 * 1024 * 1024;

/** Answers a call of ECR's own API. @see "AWS JSON 1.1 protocol" of Smithy */
export async function handleAwsRequest(registry: AwsRegistry, incoming: Incoming): Promise<Reply> {
  try {
    return reply(200, await CALLS_BY_TARGET(incoming)(registry, await readInput(incoming)));
  } catch (error) {
    if (!(error instanceof AwsFailure)) throw error;
    return reply(400, { __type: error.code, message: error.message });
  }
}

function CALLS_BY_TARGET({ headers }: Incoming): (registry: AwsRegistry, input: Input) => unknown {
  const target = String(headers['x-amz-target'] ?? '');
  const name = target.startsWith(TARGET_PREFIX) ? target.slice(TARGET_PREFIX.length) : '';
  const call = Object.hasOwn(CALLS, name) ? CALLS[name] : undefined;
  if (call === undefined) throw new AwsFailure('UnknownOperationException', `no such call here: ${target}`);
  return call;
}

async function readInput(incoming: Incoming): Promise<Input> {
  const bytes = await incoming.wholeBody(MAX_REQUEST_SIZE, 'a request');
  try {
    return JSON.parse(Buffer.from(bytes).toString() || '{}') as Input;
  } catch {
    throw new AwsFailure('SerializationException', 'the request is not JSON');
  }
}

function reply(status: number, value: unknown): Reply {
  return replyJson(status, value, { 'content-type': 'application/x-amz-json-1.1' });
}
