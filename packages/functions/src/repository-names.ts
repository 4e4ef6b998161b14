import { parseFilters, repositoryPatterns } from '@soci/filter';
import { type CloudFormationRequest, type CloudFormationResult, sendResponse } from './cloudformation/send-response.ts';
import { MAX_FILTERS_LENGTH } from './environment/filter-settings.ts';
import { messageOf } from './errors.ts';

/** Maximum size of the ARNs as JSON, in bytes. A response has at most 4,096 bytes, and other fields need up to 500. */
const MAX_ARNS = 3500;

/** Constant physical id, which makes every update an in-place update. */
const PHYSICAL_ID = 'repository-arns';

/**
 * Handler of the custom resource that extracts repository names from filters in a stack parameter. `ResourceProperties` contain
 * `filters` (a list or a comma-separated text) and `prefix` (prefix of repository ARNs). The response has the attribute
 * `repository_arns`. It always sends a response.
 */
export async function handler(request: CloudFormationRequest, _context?: unknown, send?: Send): Promise<void> {
  const { PhysicalResourceId = PHYSICAL_ID } = request;
  const result = request.RequestType === 'Delete' ? { Status: 'SUCCESS' as const, Data: {} } : findArns(request);
  console.log(JSON.stringify({ request: request.RequestType, ...result }));
  await sendResponse(request, PhysicalResourceId, result, send);
}

type Send = Parameters<typeof sendResponse>[3];

function findArns({ ResourceProperties: { filters, prefix } }: CloudFormationRequest): CloudFormationResult {
  try {
    const text = Array.isArray(filters) ? filters.join(',') : String(filters ?? '');
    if (text.length > MAX_FILTERS_LENGTH) {
      const Reason = `the filters have ${text.length} characters: the maximum is ${MAX_FILTERS_LENGTH}. Use wildcards such as team/*:*, or several stacks`;
      return { Status: 'FAILED', Reason };
    }
    const arns = repositoryPatterns(parseFilters(text)).map((pattern) => `${prefix}${pattern}`);
    const { length } = JSON.stringify(arns);
    if (length <= MAX_ARNS) return { Status: 'SUCCESS', Data: { repository_arns: arns } };
    const Reason = `the filters name ${arns.length} repositories, whose ARNs take ${length} characters: the maximum is ${MAX_ARNS}. Use wildcards such as team/*:*, or several stacks`;
    return { Status: 'FAILED', Reason };
  } catch (error) {
    return { Status: 'FAILED', Reason: messageOf(error) };
  }
}
