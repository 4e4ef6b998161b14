import type { EcrImages } from '@soci/ecr';
import type { Repository } from '@soci/registry';
import {
  type CloudFormationRequest,
  type CloudFormationResult,
  sendResponse,
} from '../cloudformation/send-response.ts';
import type { GeneratorSettings } from '../environment/generator-settings.ts';
import type { Environment } from '../environment/variables.ts';
import { messageOf } from '../errors.ts';
import { type JobProgress, withDeadline } from '../generator/progress.ts';
import type { InvocationLog } from '../invocation.ts';
import { indexAtDeploy, resolveImage, startedResult } from './index-at-deploy.ts';
import { removeIndex } from './remove-index.ts';
import { formatResourceId, type IndexRequest, parseResourceId, readProperties } from './resource.ts';
import { retryUntilDone } from './retry.ts';

/** Dependencies of the handler. */
export interface DeployContext {
  readonly environment: Environment;
  /** Remaining time of the invocation, in milliseconds. */
  readonly milliseconds: number;
  readonly log: InvocationLog;
  /** Opens a repository, without cached content. */
  readonly openRepository: (settings: GeneratorSettings, name: string) => Repository;
  readonly images: EcrImages;
  /** Invokes the function asynchronously with this JSON. */
  readonly invokeSelf: (payload: string) => Promise<unknown>;
  /** Delay before the second attempt, in milliseconds. */
  readonly pause: number;
  /** Sends a response to a URL. @default - over HTTPS */
  readonly send?: Parameters<typeof sendResponse>[3];
}

/** Event that the function sends to itself, to create an index in the background. */
export interface BackgroundRequest {
  readonly RequestType: 'Later';
  readonly ResourceProperties: Readonly<Record<string, unknown>>;
}

/** Time for pending operations to report their error after the signal is aborted, in milliseconds. */
const ABORT_GRACE_PERIOD = 500;

/** Physical id of a resource whose creation failed. Nothing is deleted for it. */
const NOT_INDEXED = 'not-indexed';

/**
 * Handles a request for a `Custom::SociIndexedImage`. It always sends a response, also on errors and shortly before the timeout.
 *
 * @throws the error if the response cannot be sent. Lambda then retries.
 */
export async function handleRequest(request: CloudFormationRequest, context: DeployContext): Promise<void> {
  const response = await withDeadline(context.milliseconds, (signal, progress) =>
    Promise.race([processRequest(request, context, progress, signal), rejectAfter(signal)]),
  ).catch((error: unknown): Response => {
    const Reason = messageOf(error);
    context.log.error(Reason, { error });
    return { id: request.PhysicalResourceId ?? NOT_INDEXED, result: { Status: 'FAILED', Reason } };
  });
  await sendResponse(request, response.id, response.result, context.send);
}

/** Creates an index in the background. It sends no response: the outcome is only logged. */
export async function handleBackground(
  { ResourceProperties }: BackgroundRequest,
  context: DeployContext,
): Promise<void> {
  try {
    const request = readProperties(ResourceProperties, context.environment);
    await withDeadline(context.milliseconds, (signal, progress) => index(request, context, progress, signal));
  } catch (error) {
    context.log.error(messageOf(error), { error });
  }
}

/** Rejects shortly after the signal is aborted, with its reason. */
function rejectAfter(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => setTimeout(() => reject(signal.reason), ABORT_GRACE_PERIOD), { once: true });
  });
}

interface Response {
  /** Physical id of the resource. */
  readonly id: string;
  readonly result: CloudFormationResult;
}

async function processRequest(
  request: CloudFormationRequest,
  context: DeployContext,
  progress: JobProgress,
  signal: AbortSignal,
): Promise<Response> {
  const { RequestType, PhysicalResourceId, ResourceProperties } = request;
  if (RequestType === 'Delete') {
    await remove(request, context, signal);
    return { id: PhysicalResourceId ?? NOT_INDEXED, result: { Status: 'SUCCESS', Data: {} } };
  }
  const job = readProperties(ResourceProperties, context.environment);
  const { resource, attributes } = job.wait
    ? await index(job, context, progress, signal)
    : await start(job, ResourceProperties, context, signal);
  return { id: formatResourceId(resource), result: { Status: 'SUCCESS', Data: { ...attributes } } };
}

function index(request: IndexRequest, context: DeployContext, progress: JobProgress, signal: AbortSignal) {
  const { log, pause } = context;
  const openRepository = () => context.openRepository(request.settings, request.repository);
  log.add({ repository: request.repository, tag: request.tag ?? '', digest: request.digest ?? '' });
  return indexAtDeploy({ request, openRepository, progress, log, pause, signal });
}

/** Resolves the image before it starts the background invocation, so that a missing image fails the deployment. */
async function start(
  request: IndexRequest,
  ResourceProperties: BackgroundRequest['ResourceProperties'],
  { openRepository, invokeSelf, log, pause }: DeployContext,
  signal: AbortSignal,
) {
  const retry = { log, pause, signal };
  const open = () => openRepository(request.settings, request.repository);
  const digest = await retryUntilDone(() => resolveImage(request, open(), signal), retry);
  const background: BackgroundRequest = { RequestType: 'Later', ResourceProperties };
  await retryUntilDone(() => invokeSelf(JSON.stringify(background)), retry);
  return startedResult(request, digest);
}

async function remove(request: CloudFormationRequest, context: DeployContext, signal: AbortSignal): Promise<void> {
  const { log, images, pause } = context;
  const resource = parseResourceId(request.PhysicalResourceId ?? '');
  if (resource === undefined) return;
  const { settings, removeIndex: canRemove } = readProperties(request.ResourceProperties, context.environment);
  if (!canRemove) return;
  const attempt = () => {
    const repository = context.openRepository(settings, resource.repository);
    return removeIndex({ resource, settings, repository, images, log, signal });
  };
  await retryUntilDone(attempt, { log, pause, signal });
}
