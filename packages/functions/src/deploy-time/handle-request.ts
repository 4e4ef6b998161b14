import type { EcrImages } from '@soci/ecr';
import type { Repository } from '@soci/registry';
import {
  answerCloudFormation,
  type CloudFormationRequest,
  type CloudFormationResult,
} from '../cloudformation/answer-cloudformation.ts';
import type { GeneratorSettings } from '../environment/generator-settings.ts';
import type { Environment } from '../environment/variables.ts';
import { messageOf } from '../errors.ts';
import { type JobProgress, withDeadline } from '../generator/progress.ts';
import type { InvocationLog } from '../invocation.ts';
import { indexAtDeploy, resolveImage, startedResult } from './index-at-deploy.ts';
import { removeIndex } from './remove-index.ts';
import { formatResourceId, type IndexRequest, parseResourceId, readProperties } from './resource.ts';
import { tryUntilDone } from './retry.ts';

/** What the handler works with. */
export interface DeployParts {
  readonly environment: Environment;
  /** Milliseconds that Lambda has left for the invocation. */
  readonly milliseconds: number;
  readonly log: InvocationLog;
  /** Opens a repository, with nothing remembered of what was in it. */
  readonly openRepository: (settings: GeneratorSettings, name: string) => Repository;
  readonly images: EcrImages;
  /** Has the function called once more, with this JSON, by Lambda and not before this invocation is answered. */
  readonly invokeLater: (payload: string) => Promise<unknown>;
  /** Milliseconds before something is tried a second time. */
  readonly pause: number;
  /** Sends an answer to an address. @default over HTTPS */
  readonly send?: Parameters<typeof answerCloudFormation>[3];
}

/** What a function leaves for itself, for an index that a deployment does not wait for. */
export interface LaterRequest {
  readonly RequestType: 'Later';
  readonly ResourceProperties: Readonly<Record<string, unknown>>;
}

/** Milliseconds in which what was under way when the time was over may say what it failed with before. */
const LAST_WORDS = 500;

/** What a resource is called whose image was never indexed. It names nothing that could be deleted. */
const NOT_INDEXED = 'not-indexed';

/**
 * Does what CloudFormation asks of a `Custom::SociIndexedImage`, and answers, whatever comes of it: also where the time is
 * nearly over while something hangs.
 *
 * @throws what sending the answer fails with; Lambda then tries again.
 */
export async function handleRequest(asked: CloudFormationRequest, parts: DeployParts): Promise<void> {
  const answer = await withDeadline(parts.milliseconds, (signal, progress) =>
    Promise.race([carryOut(asked, parts, progress, signal), rejectAfter(signal)]),
  ).catch((error: unknown): Answer => {
    const Reason = messageOf(error);
    parts.log.error(Reason, { error });
    return { id: asked.PhysicalResourceId ?? NOT_INDEXED, result: { Status: 'FAILED', Reason } };
  });
  await answerCloudFormation(asked, answer.id, answer.result, parts.send);
}

/** Makes an index that a deployment did not wait for. There is nobody to answer: what came of it is in the log. */
export async function handleLater({ ResourceProperties }: LaterRequest, parts: DeployParts): Promise<void> {
  try {
    const request = readProperties(ResourceProperties, parts.environment);
    await withDeadline(parts.milliseconds, (signal, progress) => index(request, parts, progress, signal));
  } catch (error) {
    parts.log.error(messageOf(error), { error });
  }
}

/** Rejects shortly after a signal is aborted, with its reason. */
function rejectAfter(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => setTimeout(() => reject(signal.reason), LAST_WORDS), { once: true });
  });
}

interface Answer {
  /** What the resource is called from now on. */
  readonly id: string;
  readonly result: CloudFormationResult;
}

async function carryOut(
  asked: CloudFormationRequest,
  parts: DeployParts,
  progress: JobProgress,
  signal: AbortSignal,
): Promise<Answer> {
  const { RequestType, PhysicalResourceId, ResourceProperties } = asked;
  if (RequestType === 'Delete') {
    await remove(asked, parts, signal);
    return { id: PhysicalResourceId ?? NOT_INDEXED, result: { Status: 'SUCCESS', Data: {} } };
  }
  const request = readProperties(ResourceProperties, parts.environment);
  const { resource, attributes } = request.wait
    ? await index(request, parts, progress, signal)
    : await start(request, ResourceProperties, parts, signal);
  return { id: formatResourceId(resource), result: { Status: 'SUCCESS', Data: { ...attributes } } };
}

function index(request: IndexRequest, parts: DeployParts, progress: JobProgress, signal: AbortSignal) {
  const { log, pause } = parts;
  const openRepository = () => parts.openRepository(request.settings, request.repository);
  log.add({ repository: request.repository, tag: request.tag ?? '', digest: request.digest ?? '' });
  return indexAtDeploy({ request, openRepository, progress, log, pause, signal });
}

/** The image is looked for before anything is left for later: that it is missing is worth an error. */
async function start(
  request: IndexRequest,
  ResourceProperties: LaterRequest['ResourceProperties'],
  { openRepository, invokeLater, log, pause }: DeployParts,
  signal: AbortSignal,
) {
  const retry = { log, pause, signal };
  const open = () => openRepository(request.settings, request.repository);
  const digest = await tryUntilDone(() => resolveImage(request, open(), signal), retry);
  const later: LaterRequest = { RequestType: 'Later', ResourceProperties };
  await tryUntilDone(() => invokeLater(JSON.stringify(later)), retry);
  return startedResult(request, digest);
}

async function remove(asked: CloudFormationRequest, parts: DeployParts, signal: AbortSignal): Promise<void> {
  const { log, images, pause } = parts;
  const resource = parseResourceId(asked.PhysicalResourceId ?? '');
  if (resource === undefined) return;
  const { settings, removeIndex: isRemoved } = readProperties(asked.ResourceProperties, parts.environment);
  if (!isRemoved) return;
  const attempt = () => {
    const repository = parts.openRepository(settings, resource.repository);
    return removeIndex({ resource, settings, repository, images, log, signal });
  };
  await tryUntilDone(attempt, { log, pause, signal });
}
