import type { Incoming } from '../http/incoming.ts';
import { Refusal, type Reply, replyJson } from '../http/reply.ts';
import { AwsFailure, type AwsInput, type AwsRegistry, textsOf } from './aws-call.ts';
import {
  batchCheckLayerAvailability,
  batchDeleteImage,
  batchGetImage,
  describeImages,
  getDownloadUrlForLayer,
  listImages,
} from './images.ts';
import { createRepository, describeRepositories } from './repositories.ts';

type AwsCall = (aws: AwsRegistry, input: AwsInput) => unknown;

const CALLS = new Map<string, AwsCall>([
  ['BatchCheckLayerAvailability', batchCheckLayerAvailability],
  ['BatchDeleteImage', batchDeleteImage],
  ['BatchGetImage', batchGetImage],
  ['CreateRepository', createRepository],
  ['DescribeImages', describeImages],
  ['DescribeRepositories', describeRepositories],
  ['GetAuthorizationToken', getAuthorizationToken],
  ['GetDownloadUrlForLayer', getDownloadUrlForLayer],
  ['ListImages', listImages],
]);

const TARGET_PREFIX = 'AmazonEC2ContainerRegistry_V20150921.';
const MAX_REQUEST_SIZE = 8 * 1024 * 1024;

/** Answers a call of ECR's own API. @see Smithy, "AWS JSON 1.1 protocol" */
export async function handleAwsRequest(aws: AwsRegistry, incoming: Incoming): Promise<Reply> {
  try {
    checkSignature(incoming);
    return reply(200, findCall(incoming)(aws, await readInput(incoming)));
  } catch (error) {
    if (error instanceof AwsFailure) return reply(400, { __type: error.code, message: error.message });
    if (error instanceof Refusal) return reply(error.status, { __type: 'ValidationException', message: error.message });
    throw error;
  }
}

/** A call is signed; whether rightly is not looked at, as there are no keys to compare with. */
function checkSignature({ headers }: Incoming): void {
  if (headers.authorization === undefined) {
    throw new AwsFailure('MissingAuthenticationTokenException', 'Missing Authentication Token');
  }
  if (!/^AWS4-HMAC-SHA256 Credential=[^/]+\/\d{8}\/[^/]+\/ecr\/aws4_request,/.test(headers.authorization)) {
    throw new AwsFailure('IncompleteSignatureException', 'Authorization is no signature of version 4 for ecr');
  }
}

function findCall({ headers }: Incoming): AwsCall {
  const target = String(headers['x-amz-target'] ?? '');
  const call = target.startsWith(TARGET_PREFIX) ? CALLS.get(target.slice(TARGET_PREFIX.length)) : undefined;
  if (call === undefined) throw new AwsFailure('UnknownOperationException', `no such call here: ${target}`);
  return call;
}

async function readInput(incoming: Incoming): Promise<AwsInput> {
  const text = Buffer.from(await incoming.wholeBody(MAX_REQUEST_SIZE, 'a request')).toString();
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as AwsInput;
  } catch {} // Not JSON.
  throw new AwsFailure('SerializationException', 'the request is no JSON object');
}

function reply(status: number, value: unknown): Reply {
  return replyJson(status, value, { 'content-type': 'application/x-amz-json-1.1' });
}

/** A token for each registry asked for: `AWS:<password>` in base64. @see Amazon ECR API Reference, GetAuthorizationToken */
function getAuthorizationToken({ tokens, proxyEndpoint }: AwsRegistry, input: AwsInput) {
  const count = Math.max(1, textsOf(input, 'registryIds', 10)?.length ?? 1);
  return {
    authorizationData: Array.from({ length: count }, () => {
      const { token, expiresAt } = tokens.issue(true);
      return {
        authorizationToken: Buffer.from(`AWS:${token}`).toString('base64'),
        expiresAt: expiresAt.getTime() / 1000,
        proxyEndpoint,
      };
    }),
  };
}
