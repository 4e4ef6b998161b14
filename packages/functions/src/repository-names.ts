import { parseFilters, repositoryPatterns } from '@soci/filter';
import {
  answerCloudFormation,
  type CloudFormationRequest,
  type CloudFormationResult,
} from './cloudformation/answer-cloudformation.ts';
import { FILTERS_ROOM } from './environment/filter-settings.ts';
import { messageOf } from './errors.ts';

/** Bytes of the ARNs, as JSON: CloudFormation takes 4,096 of an answer, and the names in one take up to 500. */
const MAX_ARNS = 3500;

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
    if (text.length > FILTERS_ROOM) {
      const Reason = `the filters have ${text.length} characters, and the filtering function has room for ${FILTERS_ROOM}: use wildcards, such as team/*:*, or several stacks`;
      return { Status: 'FAILED', Reason };
    }
    const arns = repositoryPatterns(parseFilters(text)).map((pattern) => `${prefix}${pattern}`);
    const { length } = JSON.stringify(arns);
    if (length <= MAX_ARNS) return { Status: 'SUCCESS', Data: { repository_arns: arns } };
    const Reason = `the filters name ${arns.length} repositories, whose ARNs take ${length} characters, and CloudFormation has room for ${MAX_ARNS}: use wildcards, such as team/*:*, or several stacks`;
    return { Status: 'FAILED', Reason };
  } catch (error) {
    return { Status: 'FAILED', Reason: messageOf(error) };
  }
}
