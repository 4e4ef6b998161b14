import type { IncomingRequest } from '../http/incoming-request.ts';
import { type Reply, RequestError, replyJson } from '../http/reply.ts';
import { AwsFailure, type AwsInput, type AwsRegistry, textsOf } from './aws-call.ts';
import {
  batchCheckLayerAvailability,
  batchDeleteImage,
  batchGetImage,
  describeImages,
  getDownloadUrlForLayer,
  listImages,
} from './images.ts';
import { createRepository, describeRepositories, getLifecyclePolicy, putLifecyclePolicy } from './repositories.ts';

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
  ['GetLifecyclePolicy', getLifecyclePolicy],
  ['ListImages', listImages],
  ['PutLifecyclePolicy', putLifecyclePolicy],
]);

const TARGET_PREFIX = 'AmazonEC2ContainerRegistry_V20150921.';
const MAX_REQUEST_SIZE = 8 * 1024 * 1024;

/** Handles a call of the ECR API. @see Smithy, "AWS JSON 1.1 protocol" */
export async function handleAwsRequest(aws: AwsRegistry, incoming: IncomingRequest): Promise<Reply> {
  try {
    checkSignature(incoming);
    return reply(200, findCall(incoming)(aws, await readInput(incoming)));
  } catch (error) {
    if (error instanceof AwsFailure) return reply(400, { __type: error.code, message: error.message });
    if (error instanceof RequestError)
      return reply(error.status, { __type: 'ValidationException', message: error.message });
    throw error;
  }
}

/** Checks that a call is signed. Does not verify the signature, because the keys are unknown. */
function checkSignature({ headers }: IncomingRequest): void {
  if (headers.authorization === undefined) {
    throw new AwsFailure('MissingAuthenticationTokenException', 'Missing Authentication Token');
  }
  if (!/^AWS4-HMAC-SHA256 Credential=[^/]+\/\d{8}\/[^/]+\/ecr\/aws4_request,/.test(headers.authorization)) {
    throw new AwsFailure('IncompleteSignatureException', 'Authorization is not a version 4 signature for ecr');
  }
}

function findCall({ headers }: IncomingRequest): AwsCall {
  const target = String(headers['x-amz-target'] ?? '');
  const call = target.startsWith(TARGET_PREFIX) ? CALLS.get(target.slice(TARGET_PREFIX.length)) : undefined;
  if (call === undefined) throw new AwsFailure('UnknownOperationException', `unsupported operation: ${target}`);
  return call;
}

async function readInput(incoming: IncomingRequest): Promise<AwsInput> {
  const text = Buffer.from(await incoming.wholeBody(MAX_REQUEST_SIZE, 'a request')).toString();
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as AwsInput;
  } catch {} // Not JSON.
  throw new AwsFailure('SerializationException', 'the request is not a JSON object');
}

function reply(status: number, value: unknown): Reply {
  return replyJson(status, value, { 'content-type': 'application/x-amz-json-1.1' });
}

/**
 * Returns a token per requested registry: the Base64 encoding of `AWS:<password>`.
 *
 * @see Amazon ECR API Reference, GetAuthorizationToken
 */
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
