import { parseFilters, repositoryPatterns } from '@soci/filter';
import {
  answerCloudFormation,
  type CloudFormationRequest,
  type CloudFormationResult,
} from '../cloudformation/answer-cloudformation.ts';

/** One resource, whatever its properties are: an update changes it in place. */
const PHYSICAL_ID = 'repository-arns';

/**
 * The custom resource by which a stack whose filters are a parameter finds the repositories that they are about:
 * `ResourceProperties` has `filters`, a list or a text with commas, and `prefix`, the beginning of the ARN of every repository;
 * the answer has `repository_arns`. It answers whatever happens.
 */
export async function handler(asked: CloudFormationRequest, _context?: unknown, send?: Send): Promise<void> {
  const { PhysicalResourceId = PHYSICAL_ID } = asked;
  const result = asked.RequestType === 'Delete' ? { Status: 'SUCCESS' as const, Data: {} } : findArns(asked);
  console.log(JSON.stringify({ request: asked.RequestType, ...result }));
  await answerCloudFormation(asked, PhysicalResourceId, result, send);
}

type Send = Parameters<typeof answerCloudFormation>[3];

function findArns({ ResourceProperties: { filters, prefix } }: CloudFormationRequest): CloudFormationResult {
  try {
    const text = Array.isArray(filters) ? filters.join(',') : String(filters ?? '');
    const patterns = repositoryPatterns(parseFilters(text));
    return { Status: 'SUCCESS', Data: { repository_arns: patterns.map((pattern) => `${prefix}${pattern}`) } };
  } catch (error) {
    return { Status: 'FAILED', Reason: error instanceof Error ? error.message : String(error) };
  }
}
